import { createHash } from 'node:crypto'
import type { Store } from '../../clickhouse/store.ts'
import type { SpanAttributes, SelfTracing } from './self-tracing.ts'

/** Records inserts, and the queries of recorded requests, of `store` as spans. */
export function traceStore(store: Store, traces: SelfTracing): Store {
  const isRecorded = sampleSegments(traces)
  return {
    ...store,
    insert: async (table, rows, token) => {
      if (!isRecorded(token)) return await store.insert(table, rows, token)
      const span = traces.startDetached(`insert ${table}`, toTraceId(token))
      const bytes = rows.reduce((sum, chunk) => sum + chunk.length, 0)
      const insert = store.insert(table, rows, token)
      await endWithPromise(span, insert, {
        ...engine,
        'db.operation.name': 'INSERT',
        'db.collection.name': table,
        'spanlink.segment': token,
        'spanlink.segment.bytes': bytes,
      })
    },
    query: <Row>(...args: Parameters<Store['query']>) => traceQuery(traces, args[0], () => store.query<Row>(...args)),
    queryBytes: (...args) => traceQuery(traces, args[0], () => store.queryBytes(...args)),
  }
}

async function traceQuery<T>(traces: SelfTracing, sql: string, run: () => Promise<T>): Promise<T> {
  const span = traces.startChild('query')
  const result = run()
  if (span === undefined) return await result
  // Values are parameters and not in the text.
  return await endWithPromise(span, result, { ...engine, 'db.query.text': sql.slice(0, MAX_QUERY_LENGTH) })
}

const engine = { 'db.system.name': 'clickhouse' } as const

const MAX_QUERY_LENGTH = 4000

async function endWithPromise<T>(
  span: ReturnType<SelfTracing['startDetached']>,
  result: Promise<T>,
  attributes: SpanAttributes,
): Promise<T> {
  try {
    const value = await result
    span.end(attributes)
    return value
  } catch (error) {
    span.end(attributes, error instanceof Error ? error.message : String(error))
    throw error
  }
}

/** One trace for all inserts of a segment. */
function toTraceId(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 32)
}

/** More than the segments that are inserted concurrently. */
const MAX_REMEMBERED_SEGMENTS = 16

/** Samples all inserts of a segment or none of them. */
function sampleSegments(traces: SelfTracing): (token: string) => boolean {
  const chosen = new Map<string, boolean>()
  return (token) => {
    const known = chosen.get(token)
    if (known !== undefined) return known
    const [oldest] = chosen.keys()
    if (oldest !== undefined && chosen.size >= MAX_REMEMBERED_SEGMENTS) chosen.delete(oldest)
    const may = traces.hasTraceQuota()
    chosen.set(token, may)
    return may
  }
}
