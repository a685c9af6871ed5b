import type { AnyValue, KeyValue } from '@spanlink/api-schema'
import type { OtlpAnyValue, OtlpKeyValue, OtlpSpan, TracesRequest } from '@spanlink/testkit/otlp'
import type { SourceRow, SpanRow } from './row-binary.ts'

/** The expected rows of a request, converted from the decoded OTLP objects. */
export function expectedRows(request: TracesRequest, received: number): ExpectedRows {
  const spans: Omit<SpanRow, 'sourceId'>[] = []
  const sources: Omit<SourceRow, 'sourceId'>[] = []
  for (const { resource = {}, scopeSpans = [], schemaUrl = '' } of request.resourceSpans ?? []) {
    for (const { scope = {}, spans: own = [], schemaUrl: scopeSchemaUrl = '' } of scopeSpans) {
      if (own.length === 0) continue
      const resourceAttributes = attributes(resource.attributes)
      const service = textOf(resourceAttributes.find((attribute) => attribute.key === 'service.name')?.value ?? {})
      const cluster = ['kafka.cluster.id', 'messaging.kafka.cluster.id']
        .map((name) => textOf(resourceAttributes.find(({ key }) => key === name)?.value ?? {}))
        .find((text) => text !== '' && Buffer.byteLength(text) < 255)
      sources.push({
        received,
        service,
        resourceAttributes,
        resourceDroppedAttributes: resource.droppedAttributesCount ?? 0,
        resourceSchemaUrl: schemaUrl,
        entityRefs: resource.entityRefs?.length ? JSON.stringify(resource.entityRefs) : '',
        scopeName: scope.name ?? '',
        scopeVersion: scope.version ?? '',
        scopeAttributes: attributes(scope.attributes),
        scopeDroppedAttributes: scope.droppedAttributesCount ?? 0,
        scopeSchemaUrl,
      })
      for (const span of own) {
        spans.push(spanRow(span, service, cluster, received))
      }
    }
  }
  return { spans, sources }
}

export type ExpectedRows = {
  readonly spans: readonly Omit<SpanRow, 'sourceId'>[]
  /** One per ScopeSpans, repeated ones too. */
  readonly sources: readonly Omit<SourceRow, 'sourceId'>[]
}

function spanRow(
  span: OtlpSpan,
  service: string,
  cluster: string | undefined,
  received: number,
): Omit<SpanRow, 'sourceId'> {
  return {
    received,
    traceId: span.traceId ?? '',
    spanId: span.spanId ?? '',
    parentSpanId: span.parentSpanId || '0'.repeat(16),
    ...times(span),
    kind: known(span.kind, 5),
    status: known(span.status?.code, 2),
    service,
    name: span.name ?? '',
    attributes: attributes(span.attributes),
    statusMessage: span.status?.message ?? '',
    traceState: span.traceState ?? '',
    flags: span.flags ?? 0,
    droppedAttributes: span.droppedAttributesCount ?? 0,
    droppedEvents: span.droppedEventsCount ?? 0,
    droppedLinks: span.droppedLinksCount ?? 0,
    events: (span.events ?? []).map((event) => ({
      time: BigInt(event.timeUnixNano ?? 0),
      name: event.name ?? '',
      attributes: attributes(event.attributes),
      droppedAttributes: event.droppedAttributesCount ?? 0,
    })),
    links: (span.links ?? []).map((link) => ({
      traceId: padded(link.traceId, 32),
      spanId: padded(link.spanId, 16),
      traceState: link.traceState ?? '',
      flags: link.flags ?? 0,
      attributes: attributes(link.attributes),
      droppedAttributes: link.droppedAttributesCount ?? 0,
    })),
    resourceCluster: cluster ?? '',
  }
}

function times(span: OtlpSpan): { start: bigint; duration: bigint } {
  const start = BigInt(span.startTimeUnixNano ?? 0)
  return { start, duration: BigInt.asIntN(64, BigInt(span.endTimeUnixNano ?? 0) - start) }
}

function known(value: number | undefined, last: number): number {
  return value === undefined || value < 0 || value > last ? 0 : value
}

function padded(id: string | undefined, digits: number): string {
  return (id ?? '').slice(0, digits).padEnd(digits, '0')
}

/** The last value of a repeated key, at its position. */
function attributes(list: readonly OtlpKeyValue[] | undefined): KeyValue[] {
  const all = (list ?? []).map(keyValue)
  return all.filter((attribute, i) => all.findLastIndex((other) => other.key === attribute.key) === i)
}

/** An empty key is not on the wire, so the decoder omits it. */
function keyValue({ key, value }: Partial<OtlpKeyValue>): KeyValue {
  return { key: key ?? '', value: anyValue(value) }
}

function anyValue(value: OtlpAnyValue | undefined): AnyValue {
  if (value === undefined) return {}
  if (value.arrayValue) return { arrayValue: { values: (value.arrayValue.values ?? []).map(anyValue) } }
  if (value.kvlistValue) {
    return { kvlistValue: { values: (value.kvlistValue.values ?? []).map(keyValue) } }
  }
  return value
}

/** The text of a value as in the column `service`. */
function textOf(value: AnyValue): string {
  if (value.arrayValue || value.kvlistValue) return JSON.stringify(value)
  return String(value.stringValue ?? value.boolValue ?? value.intValue ?? value.doubleValue ?? value.bytesValue ?? '')
}
