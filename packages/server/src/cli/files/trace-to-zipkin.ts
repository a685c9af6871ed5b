import type { Attributes, Span, TraceResponse } from '@spanlink/api-schema'
import type { Static } from 'typebox'
import { toPlainJson } from '../../http/compat/jaeger/jaeger-trace.ts'

/**
 * Converts to Zipkin v2 spans (https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/).
 * Zipkin has no links, and values only as text.
 */
export function toZipkinSpans(trace: TraceResponse): readonly object[] {
  return trace.spans.map((span) => toZipkinSpan(trace, span))
}

function toZipkinSpan(trace: TraceResponse, span: Span): object {
  const source = trace.sources[span.source]
  const { code, message } = span.status
  const start = BigInt(span.startTimeUnixNano)
  const micros = Number((BigInt(span.endTimeUnixNano) - start) / 1000n)
  const resource = (source?.resource.attributes ?? []).filter(({ key }) => key !== 'service.name')
  const scope = source?.scope
  return {
    traceId: trace.traceId,
    id: span.spanId,
    ...(span.parentSpanId === '' || span.parentSpanId === span.spanId ? {} : { parentId: span.parentSpanId }),
    ...(span.parentSpanId === span.spanId ? { shared: true } : {}),
    name: span.name,
    ...(ZIPKIN_KINDS.has(span.kind) ? { kind: span.kind.toUpperCase() } : {}),
    timestamp: Number(start / 1000n),
    // Zipkin reads 0 as unknown.
    duration: Math.max(1, micros),
    localEndpoint: { serviceName: span.service },
    annotations: span.events.map((event) => ({
      timestamp: Number(BigInt(event.timeUnixNano) / 1000n),
      value: event.attributes.length === 0 ? event.name : `${event.name} ${JSON.stringify(toTags(event.attributes))}`,
    })),
    tags: {
      ...toTags(resource),
      ...toTags(span.attributes),
      ...(code === 'unset' ? {} : { 'otel.status_code': code.toUpperCase() }),
      ...(code === 'error' ? { error: message === '' ? 'true' : message } : {}),
      ...(scope === undefined || scope.name === '' ? {} : { 'otel.scope.name': scope.name }),
      ...(scope === undefined || scope.version === '' ? {} : { 'otel.scope.version': scope.version }),
    },
  }
}

const ZIPKIN_KINDS: ReadonlySet<string> = new Set(['server', 'client', 'producer', 'consumer'])

function toTags(attributes: Static<typeof Attributes>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const plain = toPlainJson(value)
      return [key, typeof plain === 'string' ? plain : JSON.stringify(plain)]
    }),
  )
}
