import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { countMissingParts, countMissingPartsOfTraces, countLostTraceParts } from '../../../query/sql/missing-parts.ts'
import { withUniqueSpanIds } from '../../../query/traces/span-parents.ts'
import { findTrace } from '../../../query/traces/by-id/trace.ts'
import { limits } from '../../../traceql/limits.ts'
import { alignToStep } from '../../../traceql/metrics/intervals.ts'
import { DEFAULT_EXEMPLARS } from '../../../traceql/metrics/exemplars.ts'
import { executeMetricsQuery } from '../../../traceql/metrics/metrics.ts'
import { parsePartialCondition } from '../../../traceql/analyze/span-condition.ts'
import { searchTraceQL } from '../../../traceql/execute/search-traceql.ts'
import type { Store } from '../../../clickhouse/store.ts'
import { encodeBytesField, encodeVarintField } from '../../../otlp/wire/protobuf-fields.ts'
import { abortOnDisconnect } from '../../abort-signal.ts'
import { setRole } from '../../access-guard.ts'
import { toProblem } from '../../problems.ts'
import { getQuery, getText, type TextQuery } from '../query.ts'
import { setWarning, toWarnings } from '../warnings.ts'
import { toOtlp, type ResourceSpans } from './otlp-of-trace.ts'
import { encodeOtlp } from './encode-otlp.ts'
import { toInstantSeries, toRangeSeries } from './tempo-series.ts'
import { parseLimit, toSearchQuery, parseStep, parseTempoWindow } from './tempo-parameters.ts'
import { toTempoTrace } from './tempo-search.ts'
import { findTempoScopes, findTempoTagValues } from './tempo-tags.ts'

const STEPS = 120n
const NAMES = 1000
const TRACES = 1000

/**
 * Serves the part of Tempo's HTTP API that Grafana's datasource uses, under `/tempo`
 * (docs/compatibility.md).
 */
export function serveTempo(app: FastifyInstance, store: Store, version: string): void {
  void app.register(
    async (tempo) => {
      setRole(tempo, 'read')
      tempo.setErrorHandler((error, _request, reply) => {
        const { status, detail } = toProblem(error)
        return reply.code(status).type('text/plain').send(detail)
      })
      tempo.get('/api/echo', (_request, reply) => reply.type('text/plain').send('echo'))
      tempo.get('/ready', (_request, reply) => reply.type('text/plain').send('ready'))
      tempo.get('/api/status/buildinfo', async () => ({
        status: 'success',
        data: { version, revision: '', branch: '' },
      }))
      serveTraces(tempo, store)
      serveSearches(tempo, store)
      serveMetrics(tempo, store)
    },
    { prefix: '/tempo' },
  )
}

function serveTraces(tempo: FastifyInstance, store: Store): void {
  const answer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    wrap: {
      readonly protobuf: (trace: Buffer, warnings: readonly string[]) => Buffer
      readonly json: (otlp: readonly object[], warnings: readonly string[]) => object
    },
  ): Promise<unknown> => {
    const id = (request.params as { readonly id: string }).id.toLowerCase()
    if (!/^[0-9a-f]{1,32}$/.test(id))
      return reply.code(400).type('text/plain').send('invalid trace id: expected up to 32 hex digits')
    const [traceId, options] = [id.padStart(32, '0'), { signal: abortOnDisconnect(reply) }]
    const trace = await findTrace(store, traceId, options)
    if (trace === undefined) {
      const text = ['trace not found', ...toWarnings(countLostTraceParts(store, [traceId]), 'the trace')].join('. ')
      return reply.code(404).type('text/plain').send(text)
    }
    const otlp = toOtlp(withUniqueSpanIds(trace))
    const warnings = [
      ...(trace.truncated ? [`The trace has more spans: these are the first ${trace.spans.length}.`] : []),
      ...toWarnings(await countMissingPartsOfTraces(store, [traceId], options), 'spans of the trace'),
    ]
    // The response of v1 has no field for them.
    setWarning(reply, warnings)
    if (/protobuf/.test(request.headers.accept ?? '')) {
      return reply.type('application/protobuf').send(wrap.protobuf(encodeOtlp(otlp), warnings))
    }
    return wrap.json(encodeIds(otlp), warnings)
  }
  const v1 = { protobuf: (trace: Buffer) => trace, json: (batches: readonly object[]) => ({ batches }) }
  const v2 = {
    protobuf: encodeTraceByIdResponse,
    json: (resourceSpans: readonly object[], warnings: readonly string[]) => ({
      trace: { resourceSpans },
      metrics: {},
      ...toPartialStatus(warnings),
    }),
  }
  tempo.get('/api/traces/:id', (request, reply) => answer(request, reply, v1))
  tempo.get('/api/v2/traces/:id', (request, reply) => answer(request, reply, v2))
}

function serveSearches(tempo: FastifyInstance, store: Store): void {
  tempo.get('/api/search', async (request, reply) => {
    const query = getQuery(request)
    const text = toSearchQuery(query)
    const window = parseTempoWindow(query)
    const { traces: found, scanned } = await searchTraceQL(store, text, {
      ...window,
      limit: parseLimit(query, 'limit', 20, TRACES),
      spansPerSpanset: parseLimit(query, 'spss', 3, 100),
      signal: abortOnDisconnect(reply),
    })
    // Tempo reports a partial search as jobs that are not completed.
    const isPartial =
      scanned.until !== undefined || scanned.isCut === true || countMissingParts(store, 'traces', window.start) > 0
    const jobs = { completedJobs: 1, totalJobs: isPartial ? 2 : 1 }
    return {
      traces: found.map((trace) => toTempoTrace(trace, text)),
      metrics: { inspectedTraces: found.length, ...jobs },
    }
  })
  const parseNames = (request: FastifyRequest, reply: FastifyReply) => ({
    ...parseTempoWindow(getQuery(request)),
    limit: parseLimit(getQuery(request), 'limit', NAMES, NAMES),
    condition: parsePartialCondition(getText(getQuery(request), 'q') ?? ''),
    signal: abortOnDisconnect(reply),
  })
  // The responses have no field for it.
  const warnOfMissingParts = (request: FastifyRequest, reply: FastifyReply, what: string): void => {
    const { start } = parseTempoWindow(getQuery(request))
    setWarning(reply, toWarnings(countMissingParts(store, 'traces', start), what))
  }
  const findScopes = async (request: FastifyRequest, reply: FastifyReply) => {
    const scopes = await findTempoScopes(store, getText(getQuery(request), 'scope'), parseNames(request, reply))
    warnOfMissingParts(request, reply, 'names')
    return scopes
  }
  const findValues = async (request: FastifyRequest, reply: FastifyReply, tag: string) => {
    const values = await findTempoTagValues(store, tag, parseNames(request, reply))
    warnOfMissingParts(request, reply, 'values')
    return values
  }
  tempo.get('/api/v2/search/tags', async (request, reply) => ({
    scopes: await findScopes(request, reply),
    metrics: {},
  }))
  tempo.get('/api/search/tags', async (request, reply) => {
    const scopes = await findScopes(request, reply)
    return { tagNames: [...new Set(scopes.flatMap(({ tags }) => tags))], metrics: {} }
  })
  tempo.get('/api/v2/search/tag/:tag/values', async (request, reply) => {
    const { tag } = request.params as { readonly tag: string }
    return { tagValues: await findValues(request, reply, tag), metrics: {} }
  })
  tempo.get('/api/search/tag/:tag/values', async (request, reply) => {
    const { tag } = request.params as { readonly tag: string }
    const isBare = /^[^.:]+\..*$/.test(tag) && !/^(span|resource|event|link|instrumentation|parent)\./.test(tag)
    const values = await findValues(request, reply, isBare ? `.${tag}` : tag)
    return { tagValues: values.map(({ value }) => value), metrics: {} }
  })
}

function serveMetrics(tempo: FastifyInstance, store: Store): void {
  const parseWindow = (query: TextQuery): { readonly start: bigint; readonly end: bigint } => {
    const now = BigInt(Date.now()) * 1_000_000n
    const said = parseTempoWindow({ ...query, end: getText(query, 'end') ?? String(now) })
    return getText(query, 'start') === undefined ? { ...said, start: said.end - 3_600_000_000_000n } : said
  }
  const findSeries = async (
    query: TextQuery,
    start: bigint,
    options: Parameters<typeof executeMetricsQuery>[2],
    convert: typeof toRangeSeries,
  ): Promise<object> => {
    const { series, warnings } = await executeMetricsQuery(store, getText(query, 'q') ?? '', options)
    const lost = toWarnings(countMissingParts(store, 'traces', start), 'spans')
    return { series: convert(series), metrics: {}, ...toPartialStatus([...warnings, ...lost]) }
  }
  tempo.get('/api/metrics/query_range', async (request, reply) => {
    const query = getQuery(request)
    const { start, end } = parseWindow(query)
    const min = (end - start) / BigInt(limits.points) + 1n
    const usual = (end - start) / STEPS > min ? (end - start) / STEPS : min
    const step = parseStep(query) ?? usual
    // Without a number, or with 0, Tempo returns its default number of exemplars. Only a query hint
    // disables them.
    const exemplars = parseLimit(query, 'exemplars', DEFAULT_EXEMPLARS, DEFAULT_EXEMPLARS)
    const options = { ...alignToStep({ start, end }, step), step, exemplars, signal: abortOnDisconnect(reply) }
    return await findSeries(query, start, options, toRangeSeries)
  })
  tempo.get('/api/metrics/query', async (request, reply) => {
    const query = getQuery(request)
    const { start, end } = parseWindow(query)
    const options = { start, end, step: end - start, signal: abortOnDisconnect(reply) }
    return await findSeries(query, start, options, toInstantSeries)
  })
}

/**
 * COMPLETE is the default and omitted, as in Tempo: older Grafana versions reject the status field.
 */
function toPartialStatus(warnings: readonly string[]): object {
  return warnings.length === 0 ? {} : { status: 'PARTIAL', message: warnings.join(' ') }
}

/** `tempopb.TraceByIDResponse`: trace = 1, status = 3 (COMPLETE 0, PARTIAL 1), message = 4. */
export function encodeTraceByIdResponse(trace: Buffer, warnings: readonly string[]): Buffer {
  if (warnings.length === 0) return encodeBytesField(1, trace)
  return Buffer.concat([encodeBytesField(1, trace), encodeVarintField(3, 1), encodeBytesField(4, warnings.join(' '))])
}

/**
 * Tempo's JSON (gogo's jsonpb) has base64 ids, and names of kinds and status codes, unlike
 * OTLP/JSON.
 */
function encodeIds(otlp: readonly ResourceSpans[]): readonly object[] {
  const bytes = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')
  return otlp.map((one) => ({
    ...one,
    scopeSpans: one.scopeSpans.map((scope) => ({
      ...scope,
      spans: scope.spans.map((span) => ({
        ...span,
        traceId: bytes(span.traceId),
        spanId: bytes(span.spanId),
        ...(span.parentSpanId === undefined ? {} : { parentSpanId: bytes(span.parentSpanId) }),
        kind: KINDS[span.kind],
        links: span.links.map((link) => ({ ...link, traceId: bytes(link.traceId), spanId: bytes(link.spanId) })),
        status: { ...span.status, code: STATUSES[span.status.code] },
      })),
    })),
  }))
}

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'].map((kind) => `SPAN_KIND_${kind}`)
const STATUSES = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR']
