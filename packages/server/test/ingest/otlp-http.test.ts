import { connect } from 'node:net'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import {
  decodeRpcStatus,
  decodeTracesResponse,
  encodeTraces,
  generateSpans,
  kv,
  type TracesRequest,
  tracesOf,
} from '@spanlink/testkit/otlp'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fetchTraceRows } from '../../src/query/trace-rows/fetch-trace-rows.ts'
import { type OpenIngest, openIngest } from './open-ingest.ts'
import { compressSnappy, frameLz4, frameSnappy } from './block-compress.ts'

const PROTOBUF = 'application/x-protobuf'
const JSON_TYPE = 'application/json'
const MIB = 1024 * 1024

let opened: OpenIngest
let store: OpenIngest['store']
let ingest: OpenIngest['ingest']

beforeAll(async () => {
  opened = await openIngest()
  ;({ store, ingest } = opened)
})
afterAll(() => opened[Symbol.asyncDispose]())

test('OTLP/HTTP protobuf and JSON, plain and in each compression of the Collector, are stored', async () => {
  const service = 'encodings'
  const codecs = {
    gzip: gzipSync,
    deflate: deflateSync,
    zlib: deflateSync,
    zstd: zstdCompressSync,
    snappy: compressSnappy,
    'x-snappy-framed': frameSnappy,
    lz4: frameLz4,
  } as const
  const encodings = [undefined, ...(Object.keys(codecs) as (keyof typeof codecs)[])]
  const spans = Array.from({ length: 2 * encodings.length }, (_, i) => spanOf(`span ${String(i).padStart(2, '0')}`))
  const responses = await Promise.all(
    encodings.flatMap((encoding, i) => {
      const compress = encoding === undefined ? identity : codecs[encoding]
      const headers: Record<string, string> = encoding === undefined ? {} : { 'content-encoding': encoding }
      const protobuf = encodeTraces(tracesOf(service, spans.slice(i, i + 1)))
      const json = Buffer.from(
        JSON.stringify(tracesOf(service, spans.slice(encodings.length + i, encodings.length + i + 1))),
      )
      return [post(compress(protobuf), PROTOBUF, headers), post(compress(json), `${JSON_TYPE}; charset=utf-8`, headers)]
    }),
  )
  for (const response of responses) expect(response.status).toBe(200)
  expect(responses.map((response) => response.type)).toEqual(
    responses.map((_, i) => (i % 2 === 0 ? PROTOBUF : JSON_TYPE)),
  )
  expect(responses.map((response) => response.body.toString())).toEqual(
    responses.map((_, i) => (i % 2 === 0 ? '' : '{}')),
  )
  await stored()
  const rows = await store.query<{ name: string }>(
    'select name from spans where service = {service:String} order by name',
    {
      service,
    },
  )
  expect(rows.map((row) => row.name)).toEqual(spans.map((span) => span.name))
})

test('spans, links and sources sent over OTLP/HTTP are stored in their columns', async () => {
  const span = {
    ...spanOf('send orders'),
    parentSpanId: 'a3'.repeat(8),
    kind: 4,
    startTimeUnixNano: '1795132800000000001',
    endTimeUnixNano: '1795132800000000000',
    attributes: [kv('text', "it's \\ \n \t \0 ünïcode 😀"), kv('int', 2n ** 62n), kv('double', 0.1), kv('flag', true)],
    events: [{ timeUnixNano: '5', name: 'event', attributes: [kv('key', 'value')], droppedAttributesCount: 9 }],
    links: [{ traceId: 'b1'.repeat(16), spanId: 'b2'.repeat(8), attributes: [kv('offset', 7)], flags: 0x301 }],
    status: { code: 2, message: 'failed' },
    traceState: 'a=b',
    flags: 0x101,
    droppedAttributesCount: 1,
    droppedEventsCount: 2,
    droppedLinksCount: 3,
  }
  await post(encodeTraces(tracesOf('columns', [span], 'scope name')), PROTOBUF)
  await stored()
  const [row] = await store.query(
    `select lower(hex(trace_id)) as trace_id, lower(hex(span_id)) as span_id, lower(hex(parent_span_id)) as parent, start,
       duration, kind, status, name, attrs, attr_types, status_message, events
     from spans where service = 'columns'`,
  )
  expect(row).toEqual({
    trace_id: span.traceId,
    span_id: span.spanId,
    parent: span.parentSpanId,
    start: '1795132800000000001',
    duration: '-1',
    kind: 'producer',
    status: 'error',
    name: 'send orders',
    attrs: { text: "it's \\ \n \t \0 ünïcode 😀", int: '4611686018427387904', double: '0.1', flag: 'true' },
    attr_types: 'sidb',
    status_message: 'failed',
    events: [{ time: '5', name: 'event', attrs: { key: 'value' }, attr_types: '' }],
  })
  const { spans } = await fetchTraceRows(store, { traceIds: ['b1'.repeat(16)], type: 'span' }, {})
  expect(spans.find(({ service }) => service === 'columns')).toMatchObject({
    traceState: 'a=b',
    flags: 0x101,
    droppedAttributes: 1,
    droppedEvents: 2,
    droppedLinks: 3,
    events: [{ time: 5n, name: 'event', droppedAttributes: 9 }],
  })
  const { backlinks } = await fetchTraceRows(store, { traceIds: ['b1'.repeat(16)] }, {})
  expect(backlinks).toMatchObject([
    {
      spanId: 'b2'.repeat(8),
      linkingTraceId: span.traceId,
      linkingSpanId: span.spanId,
      ordinal: 0,
      name: 'send orders',
      attributes: [['offset', '7']],
      flags: 0x301,
    },
  ])
  const sources = await store.query(
    `select scope_name, resource_attrs from sources final
     where source_id in (select source_id from spans where service = 'columns')`,
  )
  expect(sources).toEqual([{ scope_name: 'scope name', resource_attrs: { 'service.name': 'columns' } }])
})

test('an empty OTLP/HTTP request succeeds', async () => {
  expect(await post(new Uint8Array(), PROTOBUF)).toMatchObject({ status: 200, type: PROTOBUF, body: Buffer.alloc(0) })
  expect((await post(Buffer.from('{}'), JSON_TYPE)).body.toString()).toBe('{}')
})

test('spans with invalid ids are counted by reason in a partial success, and the other spans are stored', async () => {
  const zero = { ...spanOf('bad'), spanId: '00'.repeat(8) }
  const short = { ...spanOf('bad'), traceId: 'abcd' }
  const request = tracesOf('partial', [spanOf('good'), zero, short, zero])
  const before = ingest.stats()
  const partialSuccess = {
    rejectedSpans: '3',
    errorMessage: 'span 1 of the request: span id is all zero (2 spans); trace id has 2 bytes, not 16 (1 span)',
  }
  const protobuf = await post(encodeTraces(request), PROTOBUF)
  expect(protobuf.status).toBe(200)
  expect(decodeTracesResponse(protobuf.body)).toEqual({ partialSuccess })
  const json = await post(Buffer.from(JSON.stringify(request)), JSON_TYPE)
  expect(JSON.parse(json.body.toString())).toEqual({ partialSuccess })
  await stored()
  expect(await store.query("select name, count() as count from spans where service = 'partial' group by name")).toEqual(
    [{ name: 'good', count: '2' }],
  )
  expect(ingest.stats()).toMatchObject({ spans: before.spans + 2, rejectedSpans: before.rejectedSpans + 6 })
})

test('an invalid OTLP body returns 400 with a Status in the encoding of the request', async () => {
  const truncated = encodeTraces(generateSpans({ spans: 2 })).subarray(0, 100)
  for (const body of [truncated, Buffer.from('garbage'), Buffer.from('{}')]) {
    const response = await post(body, PROTOBUF)
    expect(response).toMatchObject({ status: 400, type: PROTOBUF })
    const status = decodeRpcStatus(response.body)
    expect(status).toMatchObject({ code: 3, message: expect.stringMatching(/./) })
    expect(status.details?.[0]?.typeUrl).toBe('type.googleapis.com/google.rpc.BadRequest')
  }
  for (const body of ['', '{', '[]', '{"resourceSpans":1}', '\xff']) {
    const response = await post(Buffer.from(body, 'latin1'), JSON_TYPE)
    expect(response).toMatchObject({ status: 400, type: JSON_TYPE })
    expect(JSON.parse(response.body.toString())).toMatchObject({ code: 3, message: expect.stringMatching(/./) })
  }
})

test('an OTLP/HTTP body that does not decompress returns 400, and an unknown encoding 415', async () => {
  const whole = gzipSync(encodeTraces(generateSpans({ spans: 2 })))
  for (const encoding of ['gzip', 'deflate', 'zstd', 'snappy', 'x-snappy-framed', 'lz4']) {
    const response = await post(Buffer.from('not compressed'), PROTOBUF, { 'content-encoding': encoding })
    expect(response).toMatchObject({ status: 400, type: PROTOBUF })
  }
  expect((await post(whole.subarray(0, -9), PROTOBUF, { 'content-encoding': 'gzip' })).status).toBe(400)
  expect((await post(whole, PROTOBUF, { 'content-encoding': 'br' })).status).toBe(415)
  expect((await post(whole, PROTOBUF, { 'content-encoding': '__proto__' })).status).toBe(415)
})

test('OTLP/HTTP returns 405 for another method, 415 for another content type and 404 for another path', async () => {
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
    const response = await fetch(`${ingest.otlpHttpUrl}/v1/traces`, { method })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
  }
  for (const type of ['text/plain', 'application/protobuf', ''])
    expect((await post(Buffer.from('{}'), type)).status).toBe(415)
  for (const path of ['/', '/v1/traces/', '/v1/unknown', '//v1/traces']) {
    const response = await fetch(ingest.otlpHttpUrl + path, { method: 'POST', body: '{}' })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ code: 5 })
  }
})

test('an OTLP/HTTP body over 64 MiB returns 413 with or without Content-Length', async () => {
  const chunk = Buffer.alloc(MIB)
  expect(await post(Buffer.alloc(64 * MIB + 1), PROTOBUF)).toMatchObject({ status: 413, type: PROTOBUF })
  const stream = new ReadableStream({
    start: (controller) => {
      for (let i = 0; i < 66; i++) controller.enqueue(chunk)
      controller.close()
    },
  })
  const response = await fetch(`${ingest.otlpHttpUrl}/v1/traces`, {
    method: 'POST',
    body: stream,
    duplex: 'half',
    headers: { 'content-type': JSON_TYPE },
  } as RequestInit)
  expect(response.status).toBe(413)
  expect(await response.json()).toMatchObject({ code: 8 })
})

test('a decompression bomb of each encoding returns 413 at 64 MiB', async () => {
  // The gzip and zstd bombs decompress to 10 GiB, which would take minutes and all memory.
  const member = gzipSync(Buffer.alloc(64 * MIB))
  const gzipBomb = Buffer.concat(Array<Buffer>(160).fill(member))
  expect((await post(gzipBomb, PROTOBUF, { 'content-encoding': 'gzip' })).status).toBe(413)
  const zeros = Buffer.alloc(65 * MIB)
  expect((await post(compressSnappy(zeros), PROTOBUF, { 'content-encoding': 'snappy' })).status).toBe(413)
  expect((await post(frameSnappy(zeros), PROTOBUF, { 'content-encoding': 'snappy' })).status).toBe(413)
  expect((await post(frameLz4(zeros), PROTOBUF, { 'content-encoding': 'lz4' })).status).toBe(413)
  expect((await post(zstdBomb(10 * 1024 * MIB), JSON_TYPE, { 'content-encoding': 'zstd' })).status).toBe(413)
  expect((await post(deflateSync(Buffer.alloc(65 * MIB)), PROTOBUF, { 'content-encoding': 'deflate' })).status).toBe(
    413,
  )
  expect((await post(encodeTraces(generateSpans({ spans: 1 })), PROTOBUF)).status).toBe(200)
})

test('connections reset in the middle of a body or without valid HTTP store no spans', async () => {
  const before = ingest.stats()
  const head = `POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: ${PROTOBUF}\r\ncontent-length: 1000\r\n\r\n`
  for (let i = 0; i < 50; i++) await sendAndBreak(`${head}${'x'.repeat(i * 10)}`)
  await sendAndBreak('NO HTTP AT ALL\r\n\r\n')
  await sendAndBreak('POST /v1/traces HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n')
  expect((await post(encodeTraces(generateSpans({ spans: 1 })), PROTOBUF)).status).toBe(200)
  expect(ingest.stats().spans).toBe(before.spans + 1)
})

test('a fuzzed OTLP/HTTP body returns 200, 400 or 415, and valid requests beside it are stored', async () => {
  const good = encodeTraces(tracesOf('beside the fuzz', [spanOf('good')]))
  let accepted = 0
  const mutated = fc
    .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 })
    .map((changes) => {
      const body = Uint8Array.from(good)
      for (const [at, byte] of changes) body[at] = byte
      return body
    })
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 500 }),
    mutated,
    fc.json().map((text) => Buffer.from(text)),
  )
  const encoding = fc.constantFrom('identity', 'identity', 'gzip', 'deflate', 'zstd', 'x')
  await fc.assert(
    fc.asyncProperty(body, fc.constantFrom(PROTOBUF, JSON_TYPE), encoding, async (bytes, type, name) => {
      const [response, beside] = await Promise.all([
        post(bytes, type, { 'content-encoding': name }),
        post(good, PROTOBUF),
      ])
      expect([200, 400, 415]).toContain(response.status)
      expect(beside.status).toBe(200)
      accepted++
    }),
    { numRuns: 1500 },
  )
  await stored()
  const counts = await store.query<{ count: string }>(
    `select count() as count from spans where service = 'beside the fuzz' and name = 'good' and span_id = unhex('b2b2b2b2b2b2b2b2')`,
  )
  // Some mutations keep service, name and id: they are counted too.
  expect(Number(counts[0]?.count)).toBeGreaterThanOrEqual(accepted)
}, 60_000)

type OtlpResponse = { readonly status: number; readonly type: string | null; readonly body: Buffer }

async function post(body: Uint8Array, type: string, headers: Record<string, string> = {}): Promise<OtlpResponse> {
  const response = await fetch(`${ingest.otlpHttpUrl}/v1/traces`, {
    method: 'POST',
    body: Uint8Array.from(body),
    headers: { 'content-type': type, ...headers },
  })
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: Buffer.from(await response.arrayBuffer()),
  }
}

/** Waits until all acknowledged spans are stored. */
async function stored(): Promise<void> {
  while (ingest.journalDepth().bytes > 0) await new Promise((resolve) => setTimeout(resolve, 20))
}

function spanOf(
  name: string,
): NonNullable<NonNullable<NonNullable<TracesRequest['resourceSpans']>[0]['scopeSpans']>[0]['spans']>[0] {
  return { traceId: 'b1'.repeat(16), spanId: 'b2'.repeat(8), name }
}

function identity(bytes: Uint8Array): Uint8Array {
  return bytes
}

/** RFC 8878: a frame of RLE blocks, four bytes for each 128 KiB of zeros. */
function zstdBomb(length: number): Buffer {
  const BLOCK = 128 * 1024
  // Magic; no checksum, no content size, several segments; a window of 128 KiB.
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38])
  const block = Buffer.alloc(4)
  block.writeUIntLE((BLOCK << 3) | (1 << 1), 0, 3)
  return Buffer.concat([head, ...Array<Buffer>(length / BLOCK).fill(block)])
}

function sendAndBreak(text: string): Promise<void> {
  const { hostname, port } = new URL(ingest.otlpHttpUrl)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(text, () => {
        socket.resetAndDestroy()
        resolve()
      })
    })
    socket.once('error', reject)
  })
}
