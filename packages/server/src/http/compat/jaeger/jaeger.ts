import type { FastifyInstance, FastifyRequest } from 'fastify'
import { InvalidParameterError } from '../../../query/sql/invalid-parameter.ts'
import {
  countMissingParts,
  countMissingPartsOfTraces,
  countLostTraceParts,
  describeMissingParts,
} from '../../../query/sql/missing-parts.ts'
import { listOperations, listServices } from '../../../query/traces/names.ts'
import { withUniqueSpanIds } from '../../../query/traces/span-parents.ts'
import { findTrace } from '../../../query/traces/trace.ts'
import { searchTraceQL } from '../../../traceql/execute/search-traceql.ts'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { abortOnDisconnect } from '../../abort-signal.ts'
import { toProblem } from '../../problems.ts'
import { findDependencies } from './jaeger-dependencies.ts'
import { parseCount, type JaegerQuery, parseTags, getText, getTexts, toTraceQL } from './jaeger-parameters.ts'
import { parseTraceId, UnknownTraceError } from './jaeger-trace-id.ts'
import { toJaegerTrace, type JaegerTrace } from './jaeger-trace.ts'
import { serveJaegerV3 } from './jaeger-v3.ts'

/** Limits of one search: Jaeger's search returns traces with all their spans. */
const MAX_TRACES = 1_500
const MAX_SPANS = 200_000
const MAX_PARALLEL_TRACES = 4

/**
 * Serves Jaeger's query API under `/jaeger` for Jaeger's UI and Grafana's datasource
 * (docs/compatibility.md).
 */
export function serveJaeger(app: FastifyInstance, store: Store): void {
  void app.register(
    async (jaeger) => {
      jaeger.setErrorHandler((error, _request, reply) => {
        const { status, detail = '' } =
          error instanceof UnknownTraceError ? { status: 404, detail: error.message } : toProblem(error)
        const lost = error instanceof UnknownTraceError ? toPartialErrors(error.missingParts, 'the trace') : []
        const errors = [{ code: status, msg: detail }, ...lost]
        return reply.code(status).send({ data: null, total: 0, limit: 0, offset: 0, errors })
      })
      jaeger.addHook('onRequest', async (request, reply) => {
        const asked = getText(getQuery(request), 'prettyPrint') ?? 'false'
        if (asked === 'false') return
        void reply.type('application/json; charset=utf-8')
        void reply.serializer((body: unknown) => JSON.stringify(body, undefined, 4))
      })
      serveNames(jaeger, store)
      serveTraces(jaeger, store)
      jaeger.get('/api/dependencies', async (request, reply) => {
        const { endTs, lookback } = parseTimes(request)
        const service = getText(getQuery(request), 'service')
        const window = { start: endTs > lookback ? endTs - lookback : 0n, end: endTs }
        const found = await findDependencies(store, window, service, { signal: abortOnDisconnect(reply) })
        return toList(found, toPartialErrors(countMissingParts(store, 'traces', window.start), 'calls'))
      })
    },
    { prefix: '/jaeger' },
  )
  serveJaegerV3(app, store)
}

function serveNames(jaeger: FastifyInstance, store: Store): void {
  jaeger.get('/api/services', async (_request, reply) => {
    const { services } = await listServices(store, { signal: abortOnDisconnect(reply) })
    return toList(services, toPartialErrors(countMissingParts(store, 'traces'), 'services'))
  })
  jaeger.get('/api/services/:service/operations', async (request, reply) => {
    const { service } = request.params as { readonly service: string }
    const { operations } = await listOperations(store, { service }, { signal: abortOnDisconnect(reply) })
    const lost = toPartialErrors(countMissingParts(store, 'traces'), 'operations')
    return toList([...new Set(operations.map(({ name }) => name))], lost)
  })
  jaeger.get('/api/operations', async (request, reply) => {
    const query = getQuery(request)
    const [service, kind] = [getText(query, 'service'), getText(query, 'spanKind')]
    const asked = service === undefined ? {} : { service }
    const { operations } = await listOperations(store, asked, { signal: abortOnDisconnect(reply) })
    const found = operations.map(({ name, kind: spanKind }) => ({ name, spanKind }))
    const lost = toPartialErrors(countMissingParts(store, 'traces'), 'operations')
    return toList(
      found.filter(({ spanKind }) => kind === undefined || spanKind === kind),
      lost,
    )
  })
}

function serveTraces(jaeger: FastifyInstance, store: Store): void {
  jaeger.get('/api/traces', async (request, reply) => {
    const query = getQuery(request)
    const options = { signal: abortOnDisconnect(reply) }
    const ids = getTexts(query, 'traceID').map(parseTraceId)
    const { found, left } = await fetchTraces(
      store,
      ids.length > 0 ? ids : await searchTraceIds(store, query, options),
      options,
    )
    const lost =
      ids.length > 0
        ? await countMissingPartsOfTraces(store, ids, options)
        : countMissingParts(store, 'traces', parseStart(query))
    const msg = `${left} matching traces omitted: the response is limited to ${MAX_SPANS} spans. Lower limit.`
    return toList(found, [...(left === 0 ? [] : [{ code: 422, msg }]), ...toPartialErrors(lost, 'spans')])
  })
  jaeger.get('/api/traces/:traceId', async (request, reply) => {
    const { traceId } = request.params as { readonly traceId: string }
    const [ids, options] = [[parseTraceId(traceId)], { signal: abortOnDisconnect(reply) }]
    const { found } = await fetchTraces(store, ids, options)
    if (found.length === 0) throw new UnknownTraceError(countLostTraceParts(store))
    return toList(found, toPartialErrors(await countMissingPartsOfTraces(store, ids, options), 'spans of the trace'))
  })
}

async function searchTraceIds(store: Store, query: JaegerQuery, options: QueryOptions): Promise<readonly string[]> {
  const text = toTraceQL({
    service: getText(query, 'service'),
    operation: getText(query, 'operation'),
    tags: parseTags(query),
    minDuration: getText(query, 'minDuration'),
    maxDuration: getText(query, 'maxDuration'),
  })
  const end = parseTime(query, 'end', 1_000n)
  const start = parseStart(query)
  const { traces: found } = await searchTraceQL(store, text, {
    ...options,
    start,
    // Jaeger's time range includes both ends.
    end: end === undefined ? 2n ** 64n - 1n : end + 1_000n,
    limit: parseCount(query, ['limit'], 100, MAX_TRACES),
    spansPerSpanset: 1,
  })
  return found.map(({ summary }) => summary.traceId)
}

async function fetchTraces(
  store: Store,
  ids: readonly string[],
  options: QueryOptions,
): Promise<{ readonly found: readonly JaegerTrace[]; readonly left: number }> {
  const found: JaegerTrace[] = []
  let spans = 0
  for (let at = 0; at < ids.length; at += MAX_PARALLEL_TRACES) {
    if (spans >= MAX_SPANS) return { found, left: ids.length - at }
    const some = await Promise.all(ids.slice(at, at + MAX_PARALLEL_TRACES).map((id) => findTrace(store, id, options)))
    for (const trace of some) {
      if (trace === undefined) continue
      spans += trace.spans.length
      found.push(toJaegerTrace(withUniqueSpanIds(trace)))
    }
  }
  return { found, left: 0 }
}

function parseStart(query: JaegerQuery): bigint {
  return parseTime(query, 'start', 1_000n) ?? 0n
}

const DAY_MS = 86_400_000n

/** Parses milliseconds, which only this endpoint uses. */
function parseTimes(request: FastifyRequest): { readonly endTs: bigint; readonly lookback: bigint } {
  const query = getQuery(request)
  const endTs = parseTime(query, 'endTs', 1_000_000n) ?? BigInt(Date.now()) * 1_000_000n
  return { endTs, lookback: parseTime(query, 'lookback', 1_000_000n) ?? DAY_MS * 1_000_000n }
}

function parseTime(query: JaegerQuery, name: string, unit: bigint): bigint | undefined {
  const text = getText(query, name)
  if (text === undefined) return undefined
  if (!/^[0-9]{1,17}$/.test(text)) throw new InvalidParameterError(name, `invalid ${name}: expected a whole number`)
  const nanos = BigInt(text) * unit
  return nanos < MAX_TIME ? nanos : MAX_TIME
}

/** Leaves room to add one microsecond. */
const MAX_TIME = 2n ** 64n - 1_001n

function getQuery(request: FastifyRequest): JaegerQuery {
  return request.query as JaegerQuery
}

type JaegerError = { readonly code: number; readonly msg: string }

/** `structuredResponse` of Jaeger's http_handler.go: data may come with errors. */
function toList<Row>(data: readonly Row[], errors: readonly JaegerError[] = []): object {
  return { data, total: data.length, limit: 0, offset: 0, errors: errors.length === 0 ? null : errors }
}

function toPartialErrors(missingParts: number, what: string): readonly JaegerError[] {
  return missingParts === 0 ? [] : [{ code: 206, msg: describeMissingParts(missingParts, what) }]
}
