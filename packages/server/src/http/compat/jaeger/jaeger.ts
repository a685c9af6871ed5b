import type { FastifyInstance, FastifyRequest } from 'fastify'
import { InvalidParameterError } from '../../../query/sql/invalid-parameter.ts'
import { countMissingParts, countMissingPartsOfTraces, describeMissingParts } from '../../../query/sql/missing-parts.ts'
import { listOperations, listServices } from '../../../query/traces/names.ts'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { abortOnDisconnect } from '../../abort-signal.ts'
import { setRole } from '../../access-guard.ts'
import { getQuery, getText, getTexts, type TextQuery } from '../query.ts'
import { findDependencies } from './jaeger-dependencies.ts'
import { parseTags } from './jaeger-parameters.ts'
import {
  fetchTraces,
  listSpanKinds,
  MAX_SPANS,
  parseLimit,
  requireTraces,
  searchSummaries,
  toJaegerProblem,
} from './jaeger-search.ts'
import { parseTraceId } from './jaeger-trace-id.ts'
import { toJaegerTrace } from './jaeger-trace.ts'
import { serveJaegerV3 } from './jaeger-v3.ts'

const CONVERSION = { parallel: 4, convert: toJaegerTrace }

/**
 * Serves Jaeger's query API under `/jaeger` for Jaeger's UI and Grafana's datasource
 * (docs/compatibility.md).
 */
export function serveJaeger(app: FastifyInstance, store: Store): void {
  void app.register(
    async (jaeger) => {
      setRole(jaeger, 'read')
      jaeger.setErrorHandler((error, _request, reply) => {
        const { status, detail, missingParts } = toJaegerProblem(error)
        const errors = [{ code: status, msg: detail }, ...toPartialErrors(missingParts, 'the trace')]
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
    const wanted = { service: getText(query, 'service'), kind: getText(query, 'spanKind') }
    const found = await listSpanKinds(store, wanted, { signal: abortOnDisconnect(reply) })
    return toList(found, toPartialErrors(countMissingParts(store, 'traces'), 'operations'))
  })
}

function serveTraces(jaeger: FastifyInstance, store: Store): void {
  jaeger.get('/api/traces', async (request, reply) => {
    const query = getQuery(request)
    const options = { signal: abortOnDisconnect(reply) }
    const ids = getTexts(query, 'traceID').map(parseTraceId)
    const wanted = ids.length > 0 ? ids : await searchTraceIds(store, query, options)
    const { found, left } = await fetchTraces(store, wanted, CONVERSION, options)
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
    const { found } = await fetchTraces(store, ids, CONVERSION, options)
    const traces = requireTraces(store, ids, found)
    return toList(traces, toPartialErrors(await countMissingPartsOfTraces(store, ids, options), 'spans of the trace'))
  })
}

async function searchTraceIds(store: Store, query: TextQuery, options: QueryOptions): Promise<readonly string[]> {
  const end = parseTime(query, 'end', 1_000n)
  const search = {
    service: getText(query, 'service'),
    operation: getText(query, 'operation'),
    tags: parseTags(query),
    minDuration: getText(query, 'minDuration'),
    maxDuration: getText(query, 'maxDuration'),
    start: parseStart(query),
    // Jaeger's time range includes both ends.
    end: end === undefined ? 2n ** 64n - 1n : end + 1_000n,
    limit: parseLimit(query, 'limit'),
  }
  return (await searchSummaries(store, search, options)).map(({ traceId }) => traceId)
}

function parseStart(query: TextQuery): bigint {
  return parseTime(query, 'start', 1_000n) ?? 0n
}

const DAY_MS = 86_400_000n

/** Parses milliseconds, which only this endpoint uses. */
function parseTimes(request: FastifyRequest): { readonly endTs: bigint; readonly lookback: bigint } {
  const query = getQuery(request)
  const endTs = parseTime(query, 'endTs', 1_000_000n) ?? BigInt(Date.now()) * 1_000_000n
  return { endTs, lookback: parseTime(query, 'lookback', 1_000_000n) ?? DAY_MS * 1_000_000n }
}

function parseTime(query: TextQuery, name: string, unit: bigint): bigint | undefined {
  const text = getText(query, name)
  if (text === undefined) return undefined
  if (!/^[0-9]{1,17}$/.test(text)) throw new InvalidParameterError(name, `invalid ${name}: expected a whole number`)
  const nanos = BigInt(text) * unit
  return nanos < MAX_TIME ? nanos : MAX_TIME
}

/** Leaves room to add one microsecond. */
const MAX_TIME = 2n ** 64n - 1_001n

type JaegerError = { readonly code: number; readonly msg: string }

/** `structuredResponse` of Jaeger's http_handler.go: data may come with errors. */
function toList<Row>(data: readonly Row[], errors: readonly JaegerError[] = []): object {
  return { data, total: data.length, limit: 0, offset: 0, errors: errors.length === 0 ? null : errors }
}

function toPartialErrors(missingParts: number, what: string): readonly JaegerError[] {
  return missingParts === 0 ? [] : [{ code: 206, msg: describeMissingParts(missingParts, what) }]
}
