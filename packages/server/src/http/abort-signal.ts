import type { FastifyReply } from 'fastify'
import { StoreError } from '../clickhouse/store-error.ts'

/**
 * Aborts when the client disconnects before the response is sent. This is not a server failure, so
 * it is not logged.
 */
export function abortOnDisconnect(reply: FastifyReply): AbortSignal {
  const left = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) left.abort(new StoreError('cancelled', 'The client disconnected.'))
  })
  return left.signal
}
