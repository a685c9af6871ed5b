import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, credentials, Metadata, status as grpcStatus } from '@grpc/grpc-js'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Access, createOpenAccess } from '../../src/access/access.ts'
import { openAccess } from '../../src/cli/serve/open-access.ts'
import { ByteBudget } from '../../src/receivers/body/byte-budget.ts'
import { type IngestPipeline, createIngestPipeline } from '../../src/receivers/ingest-pipeline.ts'
import type { Listener } from '../../src/receivers/listen.ts'
import { listenOtlpGrpc } from '../../src/receivers/grpc/otlp-grpc.ts'
import { listenOtlpHttp } from '../../src/receivers/otlp-http.ts'
import { writeCertificate } from '../access/certificate.ts'
import { writeToken } from '../access/write-token.ts'

const METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const body = Buffer.from(
  encodeTraces(tracesOf('orders', [{ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), name: 'send' }])),
)
const protobuf = { 'content-type': 'application/x-protobuf' }

let dir: string
let cert: Buffer
let token: string
let reader: string
let access: Access
let pipeline: IngestPipeline
let http: Listener
let grpc: Listener

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-tls-'))
  const { certFile, keyFile } = writeCertificate(dir)
  cert = await readFile(certFile)
  pipeline = createIngestPipeline(() => Promise.resolve())
  const tokensFile = join(dir, 'tokens.json')
  token = writeToken(tokensFile, ['ingest'])
  reader = writeToken(tokensFile, ['read'])
  const options = { tokensFile, tls: { certFile, keyFile } }
  access = openAccess(options, { host: '127.0.0.1', dataDir: dir }, () => {})
  const shared = { host: '127.0.0.1', port: 0, access, pipeline, budget: new ByteBudget(1024 * 1024), log: () => {} }
  http = await listenOtlpHttp(shared)
  grpc = await listenOtlpGrpc(shared)
})

afterAll(async () => {
  await http?.close(1000)
  await grpc?.close(1000)
  access?.tls?.close()
  await rm(dir, { recursive: true, force: true })
})

test.each([
  ['the token', () => `Bearer ${token}`, 200, grpcStatus.OK],
  ['the token and its scheme in another case', () => `bearer ${token}`, 200, grpcStatus.OK],
  ['the token as password', () => `Basic ${btoa(`anyone:${token}`)}`, 200, grpcStatus.OK],
  ['a token that may only read', () => `Bearer ${reader}`, 403, grpcStatus.PERMISSION_DENIED],
  ['no token', () => undefined, 401, grpcStatus.UNAUTHENTICATED],
  ['a longer token', () => `Bearer ${token}s`, 401, grpcStatus.UNAUTHENTICATED],
  ['another token of the same id', () => `Bearer ${token.slice(0, -4)}AAAA`, 401, grpcStatus.UNAUTHENTICATED],
  ['another scheme', () => `Digest ${token}`, 401, grpcStatus.UNAUTHENTICATED],
])('a request with %s over TLS is authorized alike by HTTP and gRPC', async (_what, createHeader, status, code) => {
  const authorization = createHeader()
  const before = pipeline.stats.spans
  expect(new URL(http.url).protocol).toBe('https:')
  expect(await postTls(authorization)).toBe(status)
  expect(await exportTls(authorization)).toBe(code)
  expect(pipeline.stats.spans - before).toBe(status === 200 ? 2 : 0)
})

test('a page of an allowed CORS origin may send spans and read errors', async () => {
  await using receiver = await plainHttp(['https://shop.example'])
  const url = `${receiver.url}/v1/traces`
  const headers = {
    origin: 'https://shop.example',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type, traceparent',
  }
  const preflight = await fetch(url, { method: 'OPTIONS', headers })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-origin')).toBe('https://shop.example')
  expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type, traceparent')
  expect(preflight.headers.get('access-control-allow-methods')).toBe('POST')
  const origin = { origin: 'https://shop.example' }
  const accepted = await fetch(url, { method: 'POST', headers: { ...protobuf, ...origin }, body })
  expect([accepted.status, accepted.headers.get('access-control-allow-origin')]).toEqual([200, 'https://shop.example'])
  const rejected = await fetch(url, { method: 'POST', headers: { ...protobuf, ...origin }, body: 'no protobuf' })
  expect([rejected.status, rejected.headers.get('access-control-allow-origin')]).toEqual([400, 'https://shop.example'])
})

test.each([
  ['an origin that is not allowed', ['https://shop.example']],
  ['any origin by default', []],
])('a CORS preflight from %s is rejected', async (_what, origins) => {
  await using receiver = await plainHttp(origins)
  const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
  const preflight = await fetch(`${receiver.url}/v1/traces`, { method: 'OPTIONS', headers })
  expect(preflight.status).toBe(403)
  expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
})

async function plainHttp(corsOrigins: readonly string[]): Promise<{ readonly url: string } & AsyncDisposable> {
  const budget = new ByteBudget(1024 * 1024)
  const receiver = await listenOtlpHttp({
    host: '127.0.0.1',
    port: 0,
    access: { ...createOpenAccess(), corsOrigins },
    pipeline,
    budget,
    log: () => {},
  })
  return { url: receiver.url, [Symbol.asyncDispose]: () => receiver.close(0) }
}

function postTls(authorization: string | undefined): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { ...protobuf, ...(authorization === undefined ? {} : { authorization }) }
    const sent = request(`${http.url}/v1/traces`, { method: 'POST', ca: cert, headers }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode))
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

function exportTls(authorization: string | undefined): Promise<number> {
  const client = new Client(new URL(grpc.url).host, credentials.createSsl(cert))
  const metadata = new Metadata()
  if (authorization !== undefined) metadata.set('authorization', authorization)
  const asIs = (bytes: Buffer): Buffer => bytes
  return new Promise((resolve) => {
    client.makeUnaryRequest(METHOD, asIs, asIs, body, metadata, (error) => {
      client.close()
      resolve(error?.code ?? grpcStatus.OK)
    })
  })
}
