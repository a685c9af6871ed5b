import type { FastifyInstance, FastifyReply } from 'fastify'
import { InvalidParameterError } from '../../../query/sql/invalid-parameter.ts'
import { countMissingParts, countMissingPartsOfTraces } from '../../../query/sql/missing-parts.ts'
import { listServices } from '../../../query/traces/names.ts'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { abortOnDisconnect } from '../../abort-signal.ts'
import { setRole } from '../../access-guard.ts'
import { getQuery, getText, type TextQuery } from '../query.ts'
import { setWarning, toWarnings } from '../warnings.ts'
import { toOtlp } from '../tempo/otlp-of-trace.ts'
import { parseJsonTags } from './jaeger-parameters.ts'
import {
  fetchTraces,
  type Found,
  listSpanKinds,
  parseLimit,
  requireTraces,
  searchSummaries,
  toJaegerProblem,
} from './jaeger-search.ts'
import { parseTraceId } from './jaeger-trace-id.ts'

/**
 * Serves `jaeger.api_v3.QueryService` over HTTP, which newer Jaeger UIs search with: OTLP, ids in
 * hex.
 */
export function serveJaegerV3(app: FastifyInstance, store: Store): void {
  void app.register(
    async (jaeger) => {
      setRole(jaeger, 'read')
      jaeger.setErrorHandler((error, _request, reply) => {
        const { status, detail, missingParts } = toJaegerProblem(error)
        warnOfMissingParts(reply, missingParts, 'the trace')
        return reply.code(status).send({ error: { httpCode: status, message: detail } })
      })
      jaeger.get('/services', async (_request, reply) => {
        const { services } = await listServices(store, { signal: abortOnDisconnect(reply) })
        warnOfMissingParts(reply, countMissingParts(store, 'traces'), 'services')
        return { services }
      })
      jaeger.get('/operations', async (request, reply) => {
        const query = getQuery(request)
        const wanted = { service: getText(query, 'service'), kind: getText(query, 'spanKind', 'span_kind') }
        const operations = await listSpanKinds(store, wanted, { signal: abortOnDisconnect(reply) })
        warnOfMissingParts(reply, countMissingParts(store, 'traces'), 'operations')
        return { operations }
      })
      jaeger.get('/trace-summaries', async (request, reply) => {
        const found = await search(store, getQuery(request), { signal: abortOnDisconnect(reply) })
        warnOfMissingParts(reply, countMissingParts(store, 'traces', parseStart(getQuery(request))), 'spans')
        return { summaries: found.map(toSummary) }
      })
      jaeger.get('/traces', async (request, reply) => {
        const options = { signal: abortOnDisconnect(reply) }
        const found = await search(store, getQuery(request), options)
        warnOfMissingParts(reply, countMissingParts(store, 'traces', parseStart(getQuery(request))), 'spans')
        const ids = found.map(({ traceId }) => traceId)
        return await fetchOtlp(store, ids, options)
      })
      jaeger.get('/traces/:traceId', async (request, reply) => {
        const { traceId } = request.params as { readonly traceId: string }
        const [ids, options] = [[parseTraceId(traceId)], { signal: abortOnDisconnect(reply) }]
        const found = await fetchOtlp(store, ids, options)
        warnOfMissingParts(reply, await countMissingPartsOfTraces(store, ids, options), 'spans of the trace')
        return found
      })
    },
    { prefix: '/jaeger/api/v3' },
  )
}

const KNOWN: ReadonlySet<string> = new Set(
  [
    ['serviceName', 'service_name'],
    ['operationName', 'operation_name'],
    ['startTimeMin', 'start_time_min'],
    ['startTimeMax', 'start_time_max'],
    ['durationMin', 'duration_min'],
    ['durationMax', 'duration_max'],
    ['searchDepth', 'search_depth'],
    // Accepted without effect: spans are always returned unadjusted.
    ['rawTraces', 'raw_traces'],
    ['attributes', 'num_traces'],
  ].flatMap((names) => names.map((name) => `query.${name}`)),
)

async function search(store: Store, query: TextQuery, options: QueryOptions): Promise<readonly Found['summary'][]> {
  const unknown = Object.keys(query).find((name) => name.startsWith('query.') && !KNOWN.has(name))
  if (unknown !== undefined)
    throw new InvalidParameterError(unknown, `${unknown} is not supported; use query.attributes.`)
  const [attributesName, attributes] = ['query.attributes', getText(query, 'query.attributes')]
  const wanted = {
    service: getText(query, 'query.serviceName', 'query.service_name'),
    operation: getText(query, 'query.operationName', 'query.operation_name'),
    tags: new Map(attributes === undefined ? [] : parseJsonTags(attributesName, attributes)),
    minDuration: getText(query, 'query.durationMin', 'query.duration_min'),
    maxDuration: getText(query, 'query.durationMax', 'query.duration_max'),
    start: parseStart(query),
    end: parseTime(query, 'query.startTimeMax', 'query.start_time_max'),
    limit: parseLimit(query, 'query.searchDepth', 'query.search_depth', 'query.num_traces'),
  }
  return await searchSummaries(store, wanted, options)
}

function parseStart(query: TextQuery): bigint {
  return parseTime(query, 'query.startTimeMin', 'query.start_time_min')
}

/** Parses RFC 3339. Both ends are required. */
function parseTime(query: TextQuery, name: string, olderName: string): bigint {
  const text = getText(query, name, olderName)
  if (text === undefined) throw new InvalidParameterError(name, `${name} is required.`)
  const [, seconds = '', fraction = '', zone = ''] = /^(.{19})(?:\.([0-9]+))?(Z|[+-][0-9:]+)$/i.exec(text) ?? []
  const millis = Date.parse(seconds + zone)
  if (!(millis >= 0))
    throw new InvalidParameterError(name, `invalid ${name}: expected a time such as 2026-01-31T10:00:00Z`)
  return BigInt(millis) * 1_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
}

/** `TraceSummary`. Omits fields that need every span (orphans), as the schema allows. */
function toSummary(summary: Found['summary']): object {
  const { traceId, rootMissing, rootService, rootName, startTimeUnixNano, durationNano, services } = summary
  return {
    traceId,
    ...(rootMissing ? {} : { rootServiceName: rootService, rootOperationName: rootName }),
    minStartTimeUnixNano: startTimeUnixNano,
    maxEndTimeUnixNano: String(BigInt(startTimeUnixNano) + BigInt(durationNano)),
    spanCount: summary.spanCount,
    errorSpanCount: summary.errorCount,
    services: services.map(({ name, spanCount, errorCount }) => ({ name, spanCount, errorSpanCount: errorCount })),
  }
}

async function fetchOtlp(store: Store, ids: readonly string[], options: QueryOptions): Promise<object> {
  const { found } = await fetchTraces(store, ids, { parallel: 1, convert: toOtlp }, options)
  return { result: { resourceSpans: requireTraces(store, ids, found).flat() } }
}

/** OTLP, which the response is, has no field for it. */
function warnOfMissingParts(reply: FastifyReply, count: number, what: string): void {
  setWarning(reply, toWarnings(count, what))
}
