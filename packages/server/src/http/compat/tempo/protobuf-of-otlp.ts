import type { AnyValue, KeyValue } from '@spanlink/api-schema'
import type { OtlpSpan, ResourceSpans } from './otlp-of-trace.ts'

/**
 * Encodes `tempopb.Trace`, which is OTLP's TracesData (opentelemetry-proto trace.proto). The field
 * numbers are beside each field below.
 */
export function protobufOfOtlp(resourceSpans: readonly ResourceSpans[]): Buffer {
  return join(resourceSpans.map((one) => message(1, resourceSpansOf(one))))
}

/** Encodes a field with a message or bytes. */
export function message(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(BigInt(field * 8 + 2)), varint(BigInt(bytes.length)), bytes])
}

function resourceSpansOf({ resource, scopeSpans, schemaUrl }: ResourceSpans): Buffer {
  return join([
    message(1, join([...keyValues(1, resource.attributes), number(2, resource.droppedAttributesCount)])),
    ...scopeSpans.map(({ scope, spans, schemaUrl: url }) =>
      message(
        2,
        join([
          message(
            1,
            join([
              text(1, scope.name),
              text(2, scope.version),
              ...keyValues(3, scope.attributes),
              number(4, scope.droppedAttributesCount),
            ]),
          ),
          ...spans.map((span) => message(2, spanOf(span))),
          text(3, url),
        ]),
      ),
    ),
    text(3, schemaUrl),
  ])
}

function spanOf(span: OtlpSpan): Buffer {
  return join([
    message(1, Buffer.from(span.traceId, 'hex')),
    message(2, Buffer.from(span.spanId, 'hex')),
    text(3, span.traceState),
    ...(span.parentSpanId === undefined ? [] : [message(4, Buffer.from(span.parentSpanId, 'hex'))]),
    text(5, span.name),
    number(6, span.kind),
    fixed64(7, span.startTimeUnixNano),
    fixed64(8, span.endTimeUnixNano),
    ...keyValues(9, span.attributes),
    number(10, span.droppedAttributesCount),
    ...span.events.map((event) =>
      message(
        11,
        join([
          fixed64(1, event.timeUnixNano),
          text(2, event.name),
          ...keyValues(3, event.attributes),
          number(4, event.droppedAttributesCount),
        ]),
      ),
    ),
    number(12, span.droppedEventsCount),
    ...span.links.map((link) =>
      message(
        13,
        join([
          message(1, Buffer.from(link.traceId, 'hex')),
          message(2, Buffer.from(link.spanId, 'hex')),
          text(3, link.traceState),
          ...keyValues(4, link.attributes),
          number(5, link.droppedAttributesCount),
          fixed32(6, link.flags),
        ]),
      ),
    ),
    number(14, span.droppedLinksCount),
    message(15, join([text(2, span.status.message), number(3, span.status.code)])),
    fixed32(16, span.flags),
  ])
}

function keyValues(field: number, pairs: readonly KeyValue[]): Buffer[] {
  return pairs.map(({ key, value }) => message(field, join([text(1, key), message(2, anyValue(value))])))
}

/** Members of a oneof are written even if they are empty or 0. */
function anyValue(value: AnyValue): Buffer {
  if (value.stringValue !== undefined) return message(1, Buffer.from(value.stringValue))
  if (value.boolValue !== undefined) return Buffer.from([2 * 8, value.boolValue ? 1 : 0])
  if (value.intValue !== undefined) return join([varint(3n * 8n), varint(BigInt.asUintN(64, BigInt(value.intValue)))])
  if (value.doubleValue !== undefined) {
    const bytes = Buffer.alloc(9)
    bytes[0] = 4 * 8 + 1
    bytes.writeDoubleLE(Number(value.doubleValue), 1)
    return bytes
  }
  if (value.arrayValue !== undefined) {
    return message(5, join((value.arrayValue.values ?? []).map((one) => message(1, anyValue(one)))))
  }
  if (value.kvlistValue !== undefined) return message(6, join(keyValues(1, value.kvlistValue.values ?? [])))
  if (value.bytesValue !== undefined) return message(7, Buffer.from(value.bytesValue, 'base64'))
  return Buffer.alloc(0)
}

function text(field: number, value: string | undefined): Buffer {
  return value === undefined || value === '' ? Buffer.alloc(0) : message(field, Buffer.from(value))
}

function number(field: number, value: number | undefined): Buffer {
  if (value === undefined || value === 0) return Buffer.alloc(0)
  return join([varint(BigInt(field * 8)), varint(BigInt(value))])
}

function fixed64(field: number, value: string): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return join([varint(BigInt(field * 8 + 1)), bytes])
}

function fixed32(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return join([varint(BigInt(field * 8 + 5)), bytes])
}

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  return Buffer.from([...bytes, Number(rest)])
}

function join(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts)
}
