import type { KeyValue, Span, SpanSource, TraceResponse } from '@spanlink/api-schema'

/**
 * ResourceSpans of OTLP/JSON, with the fields that stored traces have. Ids are hex, 64-bit numbers
 * are strings.
 */
export type ResourceSpans = {
  readonly resource: { readonly attributes: readonly KeyValue[]; readonly droppedAttributesCount?: number }
  readonly scopeSpans: readonly ScopeSpans[]
  readonly schemaUrl?: string
}

export type ScopeSpans = {
  readonly scope: {
    readonly name: string
    readonly version: string
    readonly attributes: readonly KeyValue[]
    readonly droppedAttributesCount?: number
  }
  readonly spans: readonly OtlpSpan[]
  readonly schemaUrl?: string
}

export type OtlpSpan = ReturnType<typeof toOtlpSpan>

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
const STATUSES = ['unset', 'ok', 'error']

/** Converts a trace to OTLP as it was sent, with one ResourceSpans per resource and scope. */
export function toOtlp(trace: TraceResponse): readonly ResourceSpans[] {
  // Spans whose source row is not stored (-1) still have a service.
  const groups = Map.groupBy(trace.spans, (span) => (span.source < 0 ? span.service : span.source))
  return [...groups].map(([key, spans]) =>
    toResourceSpans(typeof key === 'number' ? trace.sources[key] : undefined, trace.traceId, spans),
  )
}

function toResourceSpans(source: SpanSource | undefined, traceId: string, spans: readonly Span[]): ResourceSpans {
  const service: KeyValue = { key: 'service.name', value: { stringValue: spans[0]?.service ?? '' } }
  const { resource, scope } = source ?? { resource: undefined, scope: undefined }
  return {
    resource: {
      attributes: resource?.attributes ?? [service],
      ...dropped('droppedAttributesCount', resource?.droppedAttributesCount),
    },
    scopeSpans: [
      {
        scope: {
          name: scope?.name ?? '',
          version: scope?.version ?? '',
          attributes: scope?.attributes ?? [],
          ...dropped('droppedAttributesCount', scope?.droppedAttributesCount),
        },
        spans: spans.map((span) => toOtlpSpan(traceId, span)),
        ...(scope === undefined || scope.schemaUrl === '' ? {} : { schemaUrl: scope.schemaUrl }),
      },
    ],
    ...(resource === undefined || resource.schemaUrl === '' ? {} : { schemaUrl: resource.schemaUrl }),
  }
}

function toOtlpSpan(traceId: string, span: Span) {
  return {
    traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === '' ? {} : { parentSpanId: span.parentSpanId }),
    ...(span.traceState === '' ? {} : { traceState: span.traceState }),
    flags: span.flags,
    name: span.name,
    kind: KINDS.indexOf(span.kind),
    startTimeUnixNano: span.startTimeUnixNano,
    endTimeUnixNano: span.endTimeUnixNano,
    attributes: span.attributes,
    ...dropped('droppedAttributesCount', span.droppedAttributesCount),
    events: span.events.map((event) => ({
      timeUnixNano: event.timeUnixNano,
      name: event.name,
      attributes: event.attributes,
      ...dropped('droppedAttributesCount', event.droppedAttributesCount),
    })),
    ...dropped('droppedEventsCount', span.droppedEventsCount),
    links: span.links.map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      ...(link.traceState === '' ? {} : { traceState: link.traceState }),
      attributes: link.attributes,
      ...dropped('droppedAttributesCount', link.droppedAttributesCount),
      flags: link.flags,
    })),
    ...dropped('droppedLinksCount', span.droppedLinksCount),
    status: { code: STATUSES.indexOf(span.status.code), message: span.status.message },
  }
}

function dropped<Name extends string>(name: Name, count: number | undefined): { readonly [K in Name]?: number } {
  return count === undefined || count === 0 ? {} : ({ [name]: count } as { readonly [K in Name]: number })
}
