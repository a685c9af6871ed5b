// Slow, silent and disconnected clients on each port.
import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectHttp2, constants } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Api, startApi } from '../../src/http/server.ts'
import { type Ingest, startIngest } from '../../src/receivers/ingest.ts'
import { type EmbeddedStore, openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'

const timeouts = { headersMs: 300, requestMs: 600, idleMs: 600, checkIntervalMs: 100, pingIntervalMs: 300, pongMs: 300 }
const METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'

let dataDir: string
let store: EmbeddedStore
let ingest: Ingest
let api: Api

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'spanlink-timeouts-'))
  store = await openEmbeddedStore(dataDir)
  ingest = await startIngest({ dataDir, store, otlpHttpPort: 0, otlpGrpcPort: 0, timeouts })
  api = await startApi({
    store,
    ingest,
    version: '0.0.0',
    host: '127.0.0.1',
    port: 0,
    draining: () => false,
    log: () => {},
    timeouts: { requestMs: 600, stalledMs: 600, checkIntervalMs: 100 },
  })
})

afterAll(async () => {
  await api?.close()
  await ingest?.drain(2000)
  await store?.close()
  await rm(dataDir, { recursive: true, force: true })
})

const ports = {
  'OTLP/HTTP': () => ingest.otlpHttpUrl,
  'OTLP/gRPC': () => ingest.otlpGrpcUrl ?? '',
  'the API': () => api.url,
}

test.each(Object.entries(ports))('%s closes a connection that sends no bytes', async (_port, url) => {
  const socket = open(url())
  expect(await closed(socket)).toBe(true)
})

const unfinished = {
  'first header': 'POST /v1/traces HTTP/1.1\r\n',
  'second header': `POST /v1/traces HTTP/1.1\r\nhost: localhost\r\nx-a: ${'a'.repeat(100)}\r\n`,
  body: 'POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\ncontent-length: 1000000\r\n\r\nab',
}

test.each(Object.entries(unfinished))(
  'OTLP/HTTP and the API close a connection whose %s arrives a byte at a time and never ends',
  async (what, start) => {
    for (const url of [ingest.otlpHttpUrl, api.url]) {
      const socket = open(url)
      socket.write(start)
      const drip = setInterval(() => socket.write(what.includes('body') ? 'a' : 'x'), 50)
      expect(await closed(socket)).toBe(true)
      clearInterval(drip)
    }
  },
)

test('OTLP/gRPC cancels a call whose message is sent a byte at a time', async () => {
  const session = connectHttp2(ingest.otlpGrpcUrl ?? '')
  const stream = session.request({ ':method': 'POST', ':path': METHOD, 'content-type': 'application/grpc' })
  stream.on('error', () => {})
  // A message of 1000 bytes is announced.
  stream.write(Buffer.from([0, 0, 0, 3, 232]))
  const drip = setInterval(() => stream.write('a'), 50)
  await new Promise((resolve) => stream.once('close', resolve))
  clearInterval(drip)
  expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL)
  session.destroy()
})

test('a client that does not read its responses is disconnected', async () => {
  const socket = open(api.url)
  socket.pause()
  const request = 'GET /api/openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n'
  const writing = setInterval(() => socket.write(request.repeat(50)), 20)
  // The socket buffers of both sides have to be full first.
  await vi.waitUntil(() => socket.destroyed, { timeout: 25_000, interval: 50 })
  clearInterval(writing)
  expect(socket.destroyed).toBe(true)
})

test('a request is answered while a silent connection is open', async () => {
  const silent = open(ingest.otlpHttpUrl)
  const headers = { 'content-type': 'application/x-protobuf' }
  const response = await fetch(`${ingest.otlpHttpUrl}/v1/traces`, { method: 'POST', headers, body: '' })
  expect(response.status).toBe(200)
  expect(await closed(silent)).toBe(true)
})

function open(url: string): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  // A reset is an end too.
  socket.on('error', () => {})
  socket.resume()
  return socket
}

async function closed(socket: Socket): Promise<boolean> {
  // Not `once`, which rejects on a reset.
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
  return socket.destroyed
}
