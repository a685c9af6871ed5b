// Sends calls byte by byte over Node's HTTP/2, as no gRPC library does.
import { connect as connectHttp2, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { zstdCompressSync } from 'node:zlib'
import { frameSnappy } from '../ingest/block-compress.ts'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createOpenAccess } from '../../src/access/access.ts'
import { ByteBudget } from '../../src/receivers/body/byte-budget.ts'
import { type IngestPipeline, createIngestPipeline } from '../../src/receivers/ingest-pipeline.ts'
import { RejectionLog } from '../../src/receivers/rejection-log.ts'
import type { Listener } from '../../src/receivers/listen.ts'
import { listenOtlpGrpc } from '../../src/receivers/grpc/otlp-grpc.ts'

const METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const MIB = 1024 * 1024
const request = Buffer.from(
  encodeTraces(tracesOf('orders', [{ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), name: 'send' }])),
)

let pipeline: IngestPipeline
let budget: ByteBudget
let lines: string[]
let receiver: Listener
let session: ClientHttp2Session

beforeEach(async () => {
  budget = new ByteBudget(8 * MIB)
  lines = []
  const rejectionLog = new RejectionLog((line) => lines.push(line))
  pipeline = createIngestPipeline(() => Promise.resolve(), budget, rejectionLog)
  receiver = await listenOtlpGrpc({
    host: '127.0.0.1',
    port: 0,
    access: createOpenAccess(),
    pipeline,
    budget,
    log: () => {},
  })
  session = connectHttp2(receiver.url)
})

afterEach(async () => {
  session.destroy()
  await receiver.close(0)
})

type GrpcResponse = {
  readonly headers: IncomingHttpHeaders
  readonly status: string | undefined
  readonly body: Buffer
}

function start(headers: Readonly<Record<string, string>> = {}) {
  const stream = session.request({
    ':method': 'POST',
    ':path': METHOD,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  const response = new Promise<GrpcResponse>((resolve, reject) => {
    let responseHeaders: IncomingHttpHeaders = {}
    let trailers: IncomingHttpHeaders = {}
    const chunks: Buffer[] = []
    stream.on('response', (received) => (responseHeaders = received))
    stream.on('trailers', (received) => (trailers = received))
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    stream.on('close', () =>
      resolve({
        headers: responseHeaders,
        status: (trailers['grpc-status'] ?? responseHeaders['grpc-status'])?.toString(),
        body: Buffer.concat(chunks),
      }),
    )
  })
  return { stream, response }
}

async function call(bytes: Uint8Array, headers?: Readonly<Record<string, string>>): Promise<GrpcResponse> {
  const { stream, response } = start(headers)
  stream.end(bytes)
  return await response
}

function frame(message: Buffer, flag = 0, length = message.length): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt8(flag)
  prefix.writeUInt32BE(length, 1)
  return Buffer.concat([prefix, message])
}

test.each([
  ['zstd', zstdCompressSync],
  ['snappy', frameSnappy],
] as const)(
  'a gRPC request compressed with %s is accepted, and the response lists the encoding',
  async (encoding, compress) => {
    const { headers, status, body } = await call(frame(compress(request), 1), { 'grpc-encoding': encoding })
    expect([status, body]).toEqual(['0', frame(Buffer.alloc(0))])
    expect(headers['grpc-accept-encoding']).toBe('identity, gzip, deflate, zstd, snappy')
    expect(pipeline.stats.spans).toBe(1)
  },
)

test('a gRPC message sent one byte at a time is accepted', async () => {
  const { stream, response } = start()
  for (const byte of frame(request)) {
    await new Promise<void>((resolve, reject) => {
      stream.write(Buffer.from([byte]), (error) => (error instanceof Error ? reject(error) : resolve()))
    })
  }
  stream.end()
  expect((await response).status).toBe('0')
  expect(pipeline.stats.spans).toBe(1)
})

test.each([
  ['no message', Buffer.alloc(0), {}, '3'],
  ['half a prefix', Buffer.from([0, 0]), {}, '3'],
  ['fewer bytes than its length', frame(request, 0, request.length + 1), {}, '3'],
  ['more bytes than its length', frame(request, 0, request.length - 1), {}, '3'],
  ['two messages', Buffer.concat([frame(request), frame(request)]), {}, '3'],
  ['a length above the limit', frame(request, 0, 64 * MIB + 1), {}, '8'],
  ['an unknown compression flag', frame(request, 2), { 'grpc-encoding': 'gzip' }, '3'],
  ['the compressed flag and no encoding', frame(request, 1), {}, '3'],
  ['corrupt gzip data', frame(request, 1), { 'grpc-encoding': 'gzip' }, '3'],
  ['an unknown encoding', frame(request, 1), { 'grpc-encoding': 'lzma' }, '12'],
  ['a decompression bomb', frame(zstdCompressSync(Buffer.alloc(64 * MIB)), 1), { 'grpc-encoding': 'zstd' }, '14'],
])(
  'a gRPC call with %s is rejected, counted and logged, and its connection stays open',
  async (_what, bytes, headers, code) => {
    expect((await call(bytes, headers)).status).toBe(code)
    const rejected = Object.values(pipeline.stats.rejectedRequests).reduce((sum, count) => sum + count, 0)
    expect([rejected, pipeline.stats.requests, pipeline.stats.spans]).toEqual([1, 1, 0])
    expect(lines).toEqual([expect.stringMatching(/^OTLP\/gRPC rejected 1 request \([a-z_]+\) from 127\.0\.0\.1: ./)])
    expect((await call(frame(request))).status).toBe('0')
    expect(budget.tryReserve(8 * MIB)).toBe(true)
  },
)

test.each([
  ['another method', { ':method': 'PUT' }, 405],
  ['another content type', { 'content-type': 'application/json' }, 415],
])('a request with %s on the gRPC port is rejected with an HTTP status', async (_what, headers, status) => {
  expect((await call(frame(request), headers)).headers[':status']).toBe(status)
})

test('gRPC calls above the in-flight limit return UNAVAILABLE, and succeed once bytes are free', async () => {
  const held = start()
  const half = frame(Buffer.alloc(6 * MIB))
  held.stream.write(half.subarray(0, 5 * MIB))
  await vi.waitUntil(() => !budget.tryReserve(4 * MIB) || void budget.release(4 * MIB), { timeout: 20_000 })
  expect((await call(frame(Buffer.alloc(4 * MIB)))).status).toBe('14')
  expect(pipeline.stats.rejectedRequests.busy).toBe(1)
  // A cancelled call releases its bytes.
  held.stream.close(constants.NGHTTP2_CANCEL)
  await held.response
  await vi.waitUntil(() => budget.tryReserve(8 * MIB), { timeout: 20_000 })
  budget.release(8 * MIB)
  expect((await call(frame(request))).status).toBe('0')
})

test('bytes that are not HTTP/2 close their connection and no other', async () => {
  const socket = connectTcp(Number(new URL(receiver.url).port), '127.0.0.1')
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.resume().end('POST /v1/traces HTTP/1.1\r\nhost: here\r\n\r\n')
  await closed
  expect((await call(frame(request))).status).toBe('0')
})
