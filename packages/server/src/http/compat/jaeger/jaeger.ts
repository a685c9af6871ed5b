import type { FastifyInstance, FastifyRequest } from 'fastify'
import { InvalidParameterError } from '../../../query/sql/invalid-parameter.ts'
import { listOperations, listServices } from '../../../query/traces/names.ts'
import { withUniqueSpanIds } from '../../../query/traces/span-parents.ts'
import { findTrace } from '../../../query/traces/trace.ts'
import { searchTraceQL } from '../../../traceql/execute/search-traceql.ts'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { hangUp } from '../../abort-signal.ts'
import { problemOf } from '../../problems.ts'
import { findDependencies } from './jaeger-dependencies.ts'
import { countOf, type JaegerQuery, tagsOf, textOf, textsOf, traceQlOf } from './jaeger-parameters.ts'
import { traceIdOf, UnknownTrace } from './jaeger-trace-id.ts'
import { jaegerOfTrace, type JaegerTrace } from './jaeger-trace.ts'
import { serveJaegerV3 } from './jaeger-v3.ts'

/** Traces of one search, whole: a search of Jaeger's answers with every span. */
const TRACES_AT_MOST = 1_500
const SPANS_AT_MOST = 200_000
const TRACES_AT_ONCE = 4

/**
 * Jaeger's query API under `/jaeger`, as Jaeger's UI and Grafana's datasource ask it
 * (docs/compatibility.md).
 */
export function serveJaeger(app: FastifyInstance, store: Store): void {
  void app.register(
    async (jaeger) => {
      jaeger.setErrorHandler((error, _request, reply) => {
        const { status, detail = '' } =
          error instanceof UnknownTrace ? { status: 404, detail: error.message } : problemOf(error)
        return reply
          .code(status)
          .send({ data: null, total: 0, limit: 0, offset: 0, errors: [{ code: status, msg: detail }] })
      })
      jaeger.addHook('onRequest', async (request, reply) => {
        const asked = textOf(queryOf(request), 'prettyPrint') ?? 'false'
        if (asked === 'false') return
        void reply.type('application/json; charset=utf-8')
        void reply.serializer((body: unknown) => JSON.stringify(body, undefined, 4))
      })
      names(jaeger, store)
      traces(jaeger, store)
      jaeger.get('/api/dependencies', async (request, reply) => {
        const { endTs, lookback } = timesOf(request)
        const service = textOf(queryOf(request), 'service')
        const window = { start: endTs > lookback ? endTs - lookback : 0n, end: endTs }
        return listed(await findDependencies(store, window, service, { signal: hangUp(reply) }))
      })
    },
    { prefix: '/jaeger' },
  )
  serveJaegerV3(app, store)
}

function names(jaeger: FastifyInstance, store: Store): void {
  jaeger.get('/api/services', async (_request, reply) => {
    const { services } = await listServices(store, { signal: hangUp(reply) })
    return listed(services)
  })
  jaeger.get('/api/services/:service/operations', async (request, reply) => {
    const { service } = request.params as { readonly service: string }
    const { operations } = await listOperations(store, { service }, { signal: hangUp(reply) })
    return listed([...new Set(operations.map(({ name }) => name))])
  })
  jaeger.get('/api/operations', async (request, reply) => {
    const query = queryOf(request)
    const [service, kind] = [textOf(query, 'service'), textOf(query, 'spanKind')]
    const asked = service === undefined ? {} : { service }
    const { operations } = await listOperations(store, asked, { signal: hangUp(reply) })
    const found = operations.map(({ name, kind: spanKind }) => ({ name, spanKind }))
    return listed(found.filter(({ spanKind }) => kind === undefined || spanKind === kind))
  })
}

function traces(jaeger: FastifyInstance, store: Store): void {
  jaeger.get('/api/traces', async (request, reply) => {
    const query = queryOf(request)
    const options = { signal: hangUp(reply) }
    const ids = textsOf(query, 'traceID').map(traceIdOf)
    const { found, left } = await tracesOf(store, ids.length > 0 ? ids : await search(store, query, options), options)
    const msg = `${left} more matched, which would be over ${SPANS_AT_MOST} spans: ask for fewer.`
    return { ...listed(found), errors: left === 0 ? null : [{ code: 422, msg }] }
  })
  jaeger.get('/api/traces/:traceId', async (request, reply) => {
    const { traceId } = request.params as { readonly traceId: string }
    const { found } = await tracesOf(store, [traceIdOf(traceId)], { signal: hangUp(reply) })
    if (found.length === 0) throw new UnknownTrace()
    return listed(found)
  })
}

async function search(store: Store, query: JaegerQuery, options: QueryOptions): Promise<readonly string[]> {
  const text = traceQlOf({
    service: textOf(query, 'service'),
    operation: textOf(query, 'operation'),
    tags: tagsOf(query),
    minDuration: textOf(query, 'minDuration'),
    maxDuration: textOf(query, 'maxDuration'),
  })
  const end = timeOf(query, 'end', 1_000n)
  const start = timeOf(query, 'start', 1_000n) ?? 0n
  const { traces: found } = await searchTraceQL(store, text, {
    ...options,
    start,
    // Both ends count with Jaeger.
    end: end === undefined ? 2n ** 64n - 1n : end + 1_000n,
    limit: countOf(query, ['limit'], 100, TRACES_AT_MOST),
    spansPerSpanset: 1,
  })
  return found.map(({ summary }) => summary.traceId)
}

async function tracesOf(
  store: Store,
  ids: readonly string[],
  options: QueryOptions,
): Promise<{ readonly found: readonly JaegerTrace[]; readonly left: number }> {
  const found: JaegerTrace[] = []
  let spans = 0
  for (let at = 0; at < ids.length; at += TRACES_AT_ONCE) {
    if (spans >= SPANS_AT_MOST) return { found, left: ids.length - at }
    const some = await Promise.all(ids.slice(at, at + TRACES_AT_ONCE).map((id) => findTrace(store, id, options)))
    for (const trace of some) {
      if (trace === undefined) continue
      spans += trace.spans.length
      found.push(jaegerOfTrace(withUniqueSpanIds(trace)))
    }
  }
  return { found, left: 0 }
}

const DAY_MS = 86_400_000n

/** Milliseconds, as only this endpoint has them. */
function timesOf(request: FastifyRequest): { readonly endTs: bigint; readonly lookback: bigint } {
  const query = queryOf(request)
  const endTs = timeOf(query, 'endTs', 1_000_000n) ?? BigInt(Date.now()) * 1_000_000n
  return { endTs, lookback: timeOf(query, 'lookback', 1_000_000n) ?? DAY_MS * 1_000_000n }
}

function timeOf(query: JaegerQuery, name: string, unit: bigint): bigint | undefined {
  const text = textOf(query, name)
  if (text === undefined) return undefined
  if (!/^[0-9]{1,17}$/.test(text)) throw new InvalidParameterError(name, `${name} is not a whole number.`)
  const nanos = BigInt(text) * unit
  return nanos < MAX_TIME ? nanos : MAX_TIME
}

/** One microsecond more has to fit as well. */
const MAX_TIME = 2n ** 64n - 1_001n

function queryOf(request: FastifyRequest): JaegerQuery {
  return request.query as JaegerQuery
}

function listed<Row>(data: readonly Row[]): object {
  return { data, total: data.length, limit: 0, offset: 0, errors: null }
}
