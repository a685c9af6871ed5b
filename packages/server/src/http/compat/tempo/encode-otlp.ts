import type { AnyValue, KeyValue } from '@spanlink/api-schema'
import {
  encodeBytesField,
  encodeDoubleField,
  encodeFixed32Field,
  encodeFixed64Field,
  encodeMessageField,
  encodeVarintField,
} from '../../../otlp/wire/protobuf-fields.ts'
import type { OtlpSpan, ResourceSpans } from './otlp-of-trace.ts'

/**
 * Encodes `tempopb.Trace`, which is OTLP's TracesData (opentelemetry-proto trace.proto). The field
 * numbers are beside each field below.
 */
export function encodeOtlp(resourceSpans: readonly ResourceSpans[]): Buffer {
  return Buffer.concat(resourceSpans.map(encodeResourceSpans))
}

function encodeResourceSpans({ resource, scopeSpans, schemaUrl }: ResourceSpans): Buffer {
  return encodeMessageField(1, [
    encodeMessageField(1, [
      ...encodeAttributes(1, resource.attributes),
      encodeNumber(2, resource.droppedAttributesCount),
    ]),
    ...scopeSpans.map(({ scope, spans, schemaUrl: url }) =>
      encodeMessageField(2, [
        encodeMessageField(1, [
          encodeText(1, scope.name),
          encodeText(2, scope.version),
          ...encodeAttributes(3, scope.attributes),
          encodeNumber(4, scope.droppedAttributesCount),
        ]),
        ...spans.map(encodeSpan),
        encodeText(3, url),
      ]),
    ),
    encodeText(3, schemaUrl),
  ])
}

function encodeSpan(span: OtlpSpan): Buffer {
  return encodeMessageField(2, [
    encodeBytesField(1, Buffer.from(span.traceId, 'hex')),
    encodeBytesField(2, Buffer.from(span.spanId, 'hex')),
    encodeText(3, span.traceState),
    ...(span.parentSpanId === undefined ? [] : [encodeBytesField(4, Buffer.from(span.parentSpanId, 'hex'))]),
    encodeText(5, span.name),
    encodeNumber(6, span.kind),
    encodeFixed64Field(7, BigInt(span.startTimeUnixNano)),
    encodeFixed64Field(8, BigInt(span.endTimeUnixNano)),
    ...encodeAttributes(9, span.attributes),
    encodeNumber(10, span.droppedAttributesCount),
    ...span.events.map((event) =>
      encodeMessageField(11, [
        encodeFixed64Field(1, BigInt(event.timeUnixNano)),
        encodeText(2, event.name),
        ...encodeAttributes(3, event.attributes),
        encodeNumber(4, event.droppedAttributesCount),
      ]),
    ),
    encodeNumber(12, span.droppedEventsCount),
    ...span.links.map((link) =>
      encodeMessageField(13, [
        encodeBytesField(1, Buffer.from(link.traceId, 'hex')),
        encodeBytesField(2, Buffer.from(link.spanId, 'hex')),
        encodeText(3, link.traceState),
        ...encodeAttributes(4, link.attributes),
        encodeNumber(5, link.droppedAttributesCount),
        encodeFixed32Field(6, link.flags),
      ]),
    ),
    encodeNumber(14, span.droppedLinksCount),
    encodeMessageField(15, [encodeText(2, span.status.message), encodeNumber(3, span.status.code)]),
    encodeFixed32Field(16, span.flags),
  ])
}

export function encodeAttributes(field: number, pairs: readonly KeyValue[]): Buffer[] {
  return pairs.map(({ key, value }) =>
    encodeMessageField(field, [encodeText(1, key), encodeBytesField(2, encodeValue(value))]),
  )
}

/** Members of a oneof are written even if they are empty or 0. */
function encodeValue(value: AnyValue): Buffer {
  if (value.stringValue !== undefined) return encodeBytesField(1, value.stringValue)
  if (value.boolValue !== undefined) return encodeVarintField(2, value.boolValue ? 1 : 0)
  if (value.intValue !== undefined) return encodeVarintField(3, BigInt(value.intValue))
  if (value.doubleValue !== undefined) return encodeDoubleField(4, Number(value.doubleValue))
  if (value.arrayValue !== undefined) {
    const values = value.arrayValue.values ?? []
    return encodeMessageField(
      5,
      values.map((one) => encodeBytesField(1, encodeValue(one))),
    )
  }
  if (value.kvlistValue !== undefined) {
    return encodeMessageField(6, encodeAttributes(1, value.kvlistValue.values ?? []))
  }
  if (value.bytesValue !== undefined) return encodeBytesField(7, Buffer.from(value.bytesValue, 'base64'))
  return Buffer.alloc(0)
}

export function encodeText(field: number, value: string | undefined): Buffer {
  return value === undefined || value === '' ? Buffer.alloc(0) : encodeBytesField(field, value)
}

export function encodeNumber(field: number, value: number | bigint | undefined): Buffer {
  return value === undefined || Number(value) === 0 ? Buffer.alloc(0) : encodeVarintField(field, value)
}
