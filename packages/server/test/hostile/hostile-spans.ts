import { zstdCompressSync } from 'node:zlib'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'

const SPAN_HEAD = Buffer.concat([
  field(0x0a, Buffer.alloc(16, 7)),
  field(0x12, Buffer.alloc(8, 9)),
  field(0x2a, Buffer.from('hostile')),
])

/** Spans of one request (protobuf), each given as the bytes of its message. */
export function requestOf(spans: readonly Buffer[]): Buffer {
  return field(0x0a, field(0x12, Buffer.concat(spans.map((span) => field(0x12, span)))))
}

export function spanWithLinks(count: number): Buffer {
  return Buffer.concat([SPAN_HEAD, repeated(field(0x6a, Buffer.alloc(0)), count)])
}

export function spanWithEvents(count: number): Buffer {
  return Buffer.concat([SPAN_HEAD, repeated(field(0x5a, Buffer.alloc(0)), count)])
}

export function spanWithKey(bytes: number): Buffer {
  return Buffer.concat([SPAN_HEAD, field(0x4a, field(0x0a, Buffer.alloc(bytes, 'k')))])
}

/** Trace id and span id, and nothing else. */
export function minimalSpans(count: number): Buffer {
  const span = field(0x12, Buffer.concat([field(0x0a, Buffer.alloc(16, 7)), field(0x12, Buffer.alloc(8, 9))]))
  return field(0x0a, field(0x12, repeated(span, count)))
}

/** One minimal span of each of `count` services. */
export function spansOfServices(prefix: string, count: number): Buffer {
  const scope = field(0x12, field(0x12, SPAN_HEAD))
  return Buffer.concat(
    Array.from({ length: count }, (_, at) => {
      const name = field(0x12, field(0x0a, Buffer.from(`${prefix}-${at}`)))
      const attribute = field(0x0a, Buffer.concat([field(0x0a, Buffer.from('service.name')), name]))
      return field(0x0a, Buffer.concat([field(0x0a, attribute), scope]))
    }),
  )
}

/** Sends protobuf, compressed as an attacker would. */
export async function sendCompressed(server: SpanlinkServer, body: Buffer): Promise<Response> {
  return await fetch(`${server.otlpHttp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'zstd' },
    body: Uint8Array.from(zstdCompressSync(body)),
  })
}

function repeated(bytes: Buffer, count: number): Buffer {
  return Buffer.alloc(bytes.length * count, bytes)
}

/** A length-delimited field. */
function field(tag: number, payload: Buffer): Buffer {
  const head = [tag]
  let rest = payload.length
  for (; rest >= 0x80; rest >>>= 7) head.push((rest & 0x7f) | 0x80)
  return Buffer.concat([Buffer.from([...head, rest]), payload])
}
