import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { countMissingPartsOfTraces, countLostTraceParts } from '../../../query/sql/missing-parts.ts'
import { withUniqueSpanIds } from '../../../query/traces/span-parents.ts'
import { findTrace } from '../../../query/traces/by-id/trace.ts'
import type { Store } from '../../../clickhouse/store.ts'
import { encodeBytesField, encodeVarintField } from '../../../otlp/wire/protobuf-fields.ts'
import { abortOnDisconnect } from '../../abort-signal.ts'
import { setRole } from '../../access-guard.ts'
import { toProblem } from '../../problems.ts'
import { getQuery } from '../query.ts'
import { setWarning, toWarnings } from '../warnings.ts'
import { toOtlp, type ResourceSpans } from './otlp-of-trace.ts'
import { encodeOtlp } from './encode-otlp.ts'
import {
  findTags,
  findTagValues,
  listTagNames,
  queryInstant,
  type QueryOptions,
  queryRange,
  searchTempo,
  toPartialStatus,
  toScopedTag,
} from './tempo-queries.ts'

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
      serveQueries(tempo, store)
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

function serveQueries(tempo: FastifyInstance, store: Store): void {
  const optionsOf = (reply: FastifyReply): QueryOptions => ({ signal: abortOnDisconnect(reply) })
  // The responses have no field for warnings.
  const findScopes = async (request: FastifyRequest, reply: FastifyReply) => {
    const { found, warnings } = await findTags(store, getQuery(request), optionsOf(reply))
    setWarning(reply, warnings)
    return found
  }
  const findValues = async (request: FastifyRequest, reply: FastifyReply, tag: string) => {
    const { found, warnings } = await findTagValues(store, tag, getQuery(request), optionsOf(reply))
    setWarning(reply, warnings)
    return found
  }
  const getTag = (request: FastifyRequest): string => (request.params as { readonly tag: string }).tag
  tempo.get('/api/search', (request, reply) => searchTempo(store, getQuery(request), optionsOf(reply)))
  tempo.get('/api/v2/search/tags', async (request, reply) => ({
    scopes: await findScopes(request, reply),
    metrics: {},
  }))
  tempo.get('/api/search/tags', async (request, reply) => ({
    tagNames: listTagNames(await findScopes(request, reply)),
    metrics: {},
  }))
  tempo.get('/api/v2/search/tag/:tag/values', async (request, reply) => ({
    tagValues: await findValues(request, reply, getTag(request)),
    metrics: {},
  }))
  tempo.get('/api/search/tag/:tag/values', async (request, reply) => {
    const values = await findValues(request, reply, toScopedTag(getTag(request)))
    return { tagValues: values.map(({ value }) => value), metrics: {} }
  })
  tempo.get('/api/metrics/query_range', (request, reply) => queryRange(store, getQuery(request), optionsOf(reply)))
  tempo.get('/api/metrics/query', (request, reply) => queryInstant(store, getQuery(request), optionsOf(reply)))
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
