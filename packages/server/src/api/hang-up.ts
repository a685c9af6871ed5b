import type { FastifyReply } from 'fastify'

/** Aborted when the reader hangs up before the answer is sent. */
export function hangUp(reply: FastifyReply): AbortSignal {
  const left = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) left.abort()
  })
  return left.signal
}
