import { transcodeTraces, transcodeTracesJson } from '../../packages/server/test/signals/transcode.ts'
import { protoTypes } from '../../packages/testkit/src/otlp/proto.ts'

export type DecodeRates = {
  readonly transcode: number
  readonly transcodeJson: number
  /** V8's parser on the same JSON, which only creates objects. */
  readonly jsonObjects: number
  readonly protobufObjects: number
  readonly protobufRows: number
}

/** Minimum duration per decoder; shorter runs measure mostly compilation. */
const SECONDS = 2

/**
 * Spans per CPU-second of this thread for each decoder, after a warm-up round.
 *
 * @param jsonBodies the same requests as OTLP/JSON
 */
export function decodeRates(
  bodies: readonly Uint8Array[],
  jsonBodies: readonly Uint8Array[],
  spans: number,
): DecodeRates {
  return {
    transcode: rate(bodies, spans, (body) => transcodeTraces(body, 1_800_000_000).spans.length),
    transcodeJson: rate(jsonBodies, spans, (body) => transcodeTracesJson(body, 1_800_000_000).spans.length),
    jsonObjects: rate(jsonBodies, spans, (body) => Object.keys(JSON.parse(textOf(body)) as object).length),
    protobufObjects: rate(bodies, spans, (body) => decoded(body).resourceSpans.length),
    protobufRows: rate(bodies, spans, (body) => jsonRows(decoded(body)).length),
  }
}

function rate(bodies: readonly Uint8Array[], spans: number, decode: (body: Uint8Array) => number): number {
  const few = bodies.slice(0, 50)
  for (const body of few) decode(body)
  const start = process.cpuUsage()
  let sum = 0
  let rounds = 0
  let seconds = 0
  while (seconds < SECONDS) {
    for (const body of bodies) sum += decode(body)
    rounds++
    const used = process.cpuUsage(start)
    seconds = (used.user + used.system) / 1e6
  }
  if (sum === 0) throw new Error('nothing was decoded')
  return (spans * rounds) / seconds
}

function textOf(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
}

function decoded(body: Uint8Array): Decoded {
  return protoTypes.request.decode(body) as unknown as Decoded
}

/**
 * The text rows that a receiver without a transcoder would insert: one object per span and one per
 * link end.
 */
function jsonRows(request: Decoded): string {
  const rows: string[] = []
  for (const { resource, scopeSpans } of request.resourceSpans) {
    const service = resource.attributes.find((attribute) => attribute.key === 'service.name')?.value.stringValue ?? ''
    for (const { spans } of scopeSpans) {
      for (const span of spans) {
        const [traceId, spanId] = [hex(span.traceId), hex(span.spanId)]
        const row = {
          traceId,
          spanId,
          parentSpanId: hex(span.parentSpanId),
          start: String(span.startTimeUnixNano),
          end: String(span.endTimeUnixNano),
          kind: span.kind,
          service,
          name: span.name,
          attrs: attributesOf(span.attributes),
          status: span.status?.code ?? 0,
          events: span.events.map((event) => ({ name: event.name, attrs: attributesOf(event.attributes) })),
        }
        rows.push(JSON.stringify(row))
        for (const link of span.links) {
          const peer = { peerTraceId: hex(link.traceId), peerSpanId: hex(link.spanId) }
          const attrs = attributesOf(link.attributes)
          rows.push(JSON.stringify({ direction: 'out', traceId, spanId, ...peer, service, name: span.name, attrs }))
          rows.push(JSON.stringify({ direction: 'in', traceId, spanId, ...peer, service, name: span.name, attrs }))
        }
      }
    }
  }
  return rows.join('\n')
}

/** protobufjs returns a plain empty array for missing bytes. */
function hex(bytes: Uint8Array | readonly []): string {
  return bytes instanceof Uint8Array ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex') : ''
}

function attributesOf(attributes: readonly DecodedAttribute[]): Record<string, string> {
  const map: Record<string, string> = {}
  for (const { key, value } of attributes) {
    map[key] = value.stringValue ?? String(value.intValue ?? value.boolValue ?? value.doubleValue)
  }
  return map
}

type DecodedAttribute = {
  readonly key: string
  readonly value: {
    readonly stringValue?: string
    readonly intValue?: unknown
    readonly boolValue?: boolean
    readonly doubleValue?: number
  }
}

type DecodedSpan = {
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly parentSpanId: Uint8Array | readonly []
  readonly startTimeUnixNano: unknown
  readonly endTimeUnixNano: unknown
  readonly kind: number
  readonly name: string
  readonly attributes: readonly DecodedAttribute[]
  readonly status: { readonly code: number } | null
  readonly events: readonly { readonly name: string; readonly attributes: readonly DecodedAttribute[] }[]
  readonly links: readonly {
    readonly traceId: Uint8Array
    readonly spanId: Uint8Array
    readonly attributes: readonly DecodedAttribute[]
  }[]
}

type Decoded = {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly DecodedAttribute[] }
    readonly scopeSpans: readonly { readonly spans: readonly DecodedSpan[] }[]
  }[]
}
