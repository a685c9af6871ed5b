import type { FastifyInstance } from 'fastify'
import type { Store } from '../../clickhouse/store.ts'
import { sendProblem } from '../problems.ts'
import { TooManyRequestsError } from '../request-limit.ts'

/** Serves `GET /api/backup`: a tar of tables and journal, one at a time. */
export function serveBackup(app: FastifyInstance, store: Store, version: string): void {
  let isRunning = false
  const schema = { querystring: { type: 'object', additionalProperties: false } }
  const route = { schema, config: { role: 'admin' }, exposeHeadRoute: false } as const
  app.get('/api/backup', route, async (request, reply) => {
    if (store.backup === undefined) {
      const detail = "With --store, use ClickHouse's BACKUP: https://clickhouse.com/docs/operations/backup."
      return sendProblem(reply, { status: 501, title: 'Not supported', detail })
    }
    if (isRunning) throw new TooManyRequestsError('Another backup is running. Retry later.')
    isRunning = true
    const { archive, bytes } = await store.backup(version).catch((error: unknown) => {
      isRunning = false
      throw error
    })
    // A download takes long: it ends with the token or the session.
    const authorizing = setInterval(() => {
      try {
        request.reauthorize()
      } catch {
        reply.raw.destroy()
      }
    }, 1000)
    archive.once('close', () => {
      clearInterval(authorizing)
      isRunning = false
    })
    // Also if the client left before the response.
    reply.raw.once('close', () => archive.destroy())
    if (reply.raw.destroyed) archive.destroy()
    return reply
      .headers({
        'content-type': 'application/x-tar',
        'content-disposition': 'attachment; filename="spanlink-backup.tar"',
        'cache-control': 'no-store',
        // Of the files: for progress.
        'x-spanlink-backup-bytes': String(bytes),
      })
      .send(archive)
  })
}
