// What no gRPC library sends: the bytes of calls, over Node's HTTP/2.
import { connect as connectHttp2, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { zstdCompressSync } from 'node:zlib'
import { frameSnappy } from '../ingest/block-compress.ts'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ByteBudget } from '../../src/receivers/body/byte-budget.ts'
import { type IngestPipeline, createIngestPipeline } from '../../src/receivers/ingest-pipeline.ts'
import { listenOtlpGrpc, type OtlpGrpc } from '../../src/receivers/otlp-grpc.ts'

const METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const MIB = 1024 * 1024
const request = Buffer.from(
  encodeTraces(tracesOf('orders', [{ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), name: 'send' }])),
)

let pipeline: IngestPipeline
let budget: ByteBudget
let receiver: OtlpGrpc
let session: ClientHttp2Session

beforeEach(async () => {
  pipeline = createIngestPipeline(() => Promise.resolve())
  budget = new ByteBudget(8 * MIB)
  receiver = await listenOtlpGrpc({ host: '127.0.0.1', port: 0, access: {}, pipeline, budget, log: () => {} })
  session = connectHttp2(receiver.url)
})

afterEach(async () => {
  session.destroy()
  await receiver.close(0)
})

type Answer = { readonly headers: IncomingHttpHeaders; readonly status: string | undefined; readonly body: Buffer }

function start(headers: Readonly<Record<string, string>> = {}) {
  const stream = session.request({
    ':method': 'POST',
    ':path': METHOD,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  const answer = new Promise<Answer>((resolve, reject) => {
    let answered: IncomingHttpHeaders = {}
    let trailers: IncomingHttpHeaders = {}
    const chunks: Buffer[] = []
    stream.on('response', (received) => (answered = received))
    stream.on('trailers', (received) => (trailers = received))
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    stream.on('close', () =>
      resolve({
        headers: answered,
        status: (trailers['grpc-status'] ?? answered['grpc-status'])?.toString(),
        body: Buffer.concat(chunks),
      }),
    )
  })
  return { stream, answer }
}

async function call(bytes: Uint8Array, headers?: Readonly<Record<string, string>>): Promise<Answer> {
  const { stream, answer } = start(headers)
  stream.end(bytes)
  return await answer
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
] as const)('a request compressed with %s is taken, and the answer says that it may be', async (encoding, compress) => {
  const { headers, status, body } = await call(frame(compress(request), 1), { 'grpc-encoding': encoding })
  expect([status, body]).toEqual(['0', frame(Buffer.alloc(0))])
  expect(headers['grpc-accept-encoding']).toBe('identity, gzip, deflate, zstd, snappy')
  expect(pipeline.stats.spans).toBe(1)
})

test('a message may come in pieces of a byte', async () => {
  const { stream, answer } = start()
  for (const byte of frame(request)) {
    await new Promise<void>((resolve, reject) => {
      stream.write(Buffer.from([byte]), (error) => (error instanceof Error ? reject(error) : resolve()))
    })
  }
  stream.end()
  expect((await answer).status).toBe('0')
  expect(pipeline.stats.spans).toBe(1)
})

test.each([
  ['no message', Buffer.alloc(0), {}, '3'],
  ['half a prefix', Buffer.from([0, 0]), {}, '3'],
  ['less than its length', frame(request, 0, request.length + 1), {}, '3'],
  ['more than its length', frame(request, 0, request.length - 1), {}, '3'],
  ['two messages', Buffer.concat([frame(request), frame(request)]), {}, '3'],
  ['a length above the limit', frame(request, 0, 64 * MIB + 1), {}, '8'],
  ['a flag that there is not', frame(request, 2), { 'grpc-encoding': 'gzip' }, '3'],
  ['compressed with identity', frame(request, 1), {}, '3'],
  ['what gzip can not read', frame(request, 1), { 'grpc-encoding': 'gzip' }, '3'],
  ['an unknown encoding', frame(request, 1), { 'grpc-encoding': 'lzma' }, '12'],
  ['a bomb', frame(zstdCompressSync(Buffer.alloc(64 * MIB)), 1), { 'grpc-encoding': 'zstd' }, '14'],
])('%s is refused, counted, and the connection goes on', async (_what, bytes, headers, code) => {
  expect((await call(bytes, headers)).status).toBe(code)
  const refused = Object.values(pipeline.stats.rejectedRequests).reduce((sum, count) => sum + count, 0)
  expect([refused, pipeline.stats.requests, pipeline.stats.spans]).toEqual([1, 1, 0])
  expect((await call(frame(request))).status).toBe('0')
  expect(budget.tryReserve(8 * MIB)).toBe(true)
})

test.each([
  ['another method', { ':method': 'PUT' }, 405],
  ['another content type', { 'content-type': 'application/json' }, 415],
])('%s is HTTP and refused as such', async (_what, headers, status) => {
  expect((await call(frame(request), headers)).headers[':status']).toBe(status)
})

test('calls beyond the bytes that may be in flight are told to come again, and taken once there is room', async () => {
  const held = start()
  const half = frame(Buffer.alloc(6 * MIB))
  held.stream.write(half.subarray(0, 5 * MIB))
  await vi.waitUntil(() => !budget.tryReserve(4 * MIB) || void budget.release(4 * MIB))
  expect((await call(frame(Buffer.alloc(4 * MIB)))).status).toBe('14')
  expect(pipeline.stats.rejectedRequests.busy).toBe(1)
  // A sender that goes leaves what it held.
  held.stream.close(constants.NGHTTP2_CANCEL)
  await held.answer
  await vi.waitUntil(() => budget.tryReserve(8 * MIB))
  budget.release(8 * MIB)
  expect((await call(frame(request))).status).toBe('0')
})

test('bytes that are no HTTP/2 end their connection and nothing else', async () => {
  const socket = connectTcp(Number(new URL(receiver.url).port), '127.0.0.1')
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.resume().end('POST /v1/traces HTTP/1.1\r\nhost: here\r\n\r\n')
  await closed
  expect((await call(frame(request))).status).toBe('0')
})
