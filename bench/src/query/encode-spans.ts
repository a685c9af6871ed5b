// OTLP protobuf from strings with a byte per character, five times as fast as protobufjs, so that
// spans can be generated while they are sent.

/** Ids are strings of 16 and 8 bytes; all other text is ASCII. */
export type GeneratedSpan = {
  readonly traceId: string
  readonly spanId: string
  /** Empty for a root. */
  readonly parentSpanId: string
  readonly service: string
  readonly name: string
  readonly kind: number
  readonly isError: boolean
  readonly startNano: bigint
  readonly durationNano: number
  readonly attributes: Readonly<Record<string, string | number>>
  readonly links: readonly GeneratedLink[]
}

export type GeneratedLink = {
  readonly traceId: string
  readonly spanId: string
  readonly attributes: Readonly<Record<string, string | number>>
}

/** An `ExportTraceServiceRequest` with the spans by service. */
export function encodeSpans(spans: readonly GeneratedSpan[]): Buffer {
  const byService = Map.groupBy(spans, ({ service }) => service)
  return Buffer.from(Array.from(byService, ([service, own]) => encodeResourceSpans(service, own)).join(''), 'latin1')
}

export function toHex(id: string): string {
  return Buffer.from(id, 'latin1').toString('hex')
}

function encodeResourceSpans(service: string, spans: readonly GeneratedSpan[]): string {
  const resource = encodeAttributes(1, {
    'service.name': service,
    'service.version': '2.14.0',
    'service.instance.id': `${service}-7c9f4d5b6-x2x4q`,
    'telemetry.sdk.language': 'nodejs',
  })
  const scope = field(1, '@spanlink/kafka') + field(2, '0.1.0')
  return field(1, field(1, resource) + field(2, field(1, scope) + spans.map(encodeSpan).join('')))
}

function encodeSpan(span: GeneratedSpan): string {
  return field(
    2,
    field(1, span.traceId) +
      field(2, span.spanId) +
      (span.parentSpanId === '' ? '' : field(4, span.parentSpanId)) +
      field(5, span.name) +
      integer(6, span.kind) +
      fixed64(7, span.startNano) +
      fixed64(8, span.startNano + BigInt(span.durationNano)) +
      encodeAttributes(9, span.attributes) +
      span.links.map(encodeLink).join('') +
      (span.isError ? field(15, field(2, 'upstream timed out') + integer(3, 2)) : '') +
      FLAGS,
  )
}

/** Sampled, and the parent is known to be local. */
const FLAGS = '\x85\x01\x01\x01\x00\x00'

function encodeLink({ traceId, spanId, attributes }: GeneratedLink): string {
  return field(13, field(1, traceId) + field(2, spanId) + encodeAttributes(4, attributes))
}

function encodeAttributes(number: number, attributes: Readonly<Record<string, string | number>>): string {
  let bytes = ''
  for (const key in attributes) {
    const value = attributes[key] as string | number
    const anyValue = typeof value === 'string' ? field(1, value) : integer(3, value)
    bytes += field(number, field(1, key) + field(2, anyValue))
  }
  return bytes
}

/** A length-delimited field; `number` is below 16. */
function field(number: number, bytes: string): string {
  return String.fromCharCode((number << 3) | 2) + varint(bytes.length) + bytes
}

function integer(number: number, value: number): string {
  return String.fromCharCode(number << 3) + varint(value)
}

const scratch = Buffer.alloc(8)

function fixed64(number: number, value: bigint): string {
  scratch.writeBigUInt64LE(value)
  return String.fromCharCode((number << 3) | 1) + scratch.toString('latin1')
}

function varint(value: number): string {
  let bytes = ''
  for (; value > 127; value = Math.floor(value / 128)) bytes += String.fromCharCode((value % 128) + 128)
  return bytes + String.fromCharCode(value)
}
