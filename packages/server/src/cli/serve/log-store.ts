import type { Store } from '../../clickhouse/store.ts'
import type { Log } from '../../log.ts'

const SLOW_QUERY_MS = 1000
const MAX_LOGGED_SQL_CHARS = 300

/** Logs inserts and slow queries, at level debug. */
export function logStore(store: Store, log: Log): Store {
  return {
    ...store,
    insert: async (table, rows, token) => {
      const startedAt = performance.now()
      await store.insert(table, rows, token)
      const durationMs = Math.round(performance.now() - startedAt)
      const bytes = rows.reduce((sum, chunk) => sum + chunk.length, 0)
      log(`Inserted ${bytes} bytes of segment ${token} into ${table} in ${durationMs} ms.`, {
        level: 'debug',
        segment: token,
        table,
        bytes,
        durationMs,
      })
    },
    query: async <Row>(...query: Parameters<Store['query']>): Promise<Row[]> => {
      const startedAt = performance.now()
      try {
        return await store.query<Row>(...query)
      } finally {
        const durationMs = Math.round(performance.now() - startedAt)
        if (durationMs >= SLOW_QUERY_MS) {
          // Values are parameters and not in the text.
          const sql = query[0].replaceAll(/\s+/g, ' ').trim().slice(0, MAX_LOGGED_SQL_CHARS)
          log(`Slow query, ${durationMs} ms: ${sql}`, { level: 'debug', durationMs })
        }
      }
    },
  }
}
