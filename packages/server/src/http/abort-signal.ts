import type { FastifyReply } from 'fastify'
import { StoreError } from '../clickhouse/store-error.ts'

/**
 * Aborted when the reader hangs up before the answer is sent. Its reason is no failure of the
 * server, nor a line in its log.
 */
export function abortOnDisconnect(reply: FastifyReply): AbortSignal {
  const left = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) left.abort(new StoreError('cancelled', 'The reader hung up.'))
  })
  return left.signal
}
