import type { TopologyResponse, TraceResponse } from '@spanlink/api-schema'
import { kv } from '@spanlink/testkit/otlp'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OtlpError } from '../../src/otlp/error.ts'
import { transcodeZipkin } from '../signals/transcode.ts'
import { readSpans } from '../ingest/row-binary.ts'
import { openSpanlink, type Spanlink } from '../signals/spanlink.ts'

const RECEIVED = 1_800_000_000

let spanlink: Spanlink

beforeAll(async () => {
  spanlink = await openSpanlink()
})

afterAll(async () => {
  await spanlink?.[Symbol.asyncDispose]()
})

const TRACE = '0000000000000000463ac35c9f6413ad'

test('Zipkin spans are stored with the equivalent OTLP fields', async () => {
  const client = {
    traceId: '463ac35c9f6413ad',
    id: 'A2FB4A1D1A96D312',
    parentId: '72485a3953bb6124',
    kind: 'CLIENT',
    name: 'get /orders',
    timestamp: 1795132800000001,
    duration: 1500,
    localEndpoint: { serviceName: 'frontend', ipv4: '10.0.0.1', port: 3306 },
    remoteEndpoint: { serviceName: 'backend', ipv6: '2001:db8::c001' },
    annotations: [{ timestamp: 1795132800000002, value: 'ws' }],
    tags: { 'http.path': '/orders', error: 'it broke', 'otel.scope.name': 'lib', 'otel.scope.version': '2' },
  }
  const server = {
    traceId: '463ac35c9f6413ad',
    id: 'a2fb4a1d1a96d312',
    kind: 'SERVER',
    shared: true,
    timestamp: 1795132800000010,
    localEndpoint: { serviceName: 'backend' },
    tags: { 'otel.status_code': 'OK' },
  }
  expect(await post(JSON.stringify([client, server]))).toEqual({ status: 202, body: '' })
  await spanlink.stored()
  const { body } = await spanlink.get<TraceResponse>(`/api/traces/${TRACE}`)
  expect(body.spans).toHaveLength(2)
  expect(body.spans[0]).toMatchObject({
    spanId: 'a2fb4a1d1a96d312',
    parentSpanId: '72485a3953bb6124',
    service: 'frontend',
    name: 'get /orders',
    kind: 'client',
    startTimeUnixNano: '1795132800000001000',
    endTimeUnixNano: '1795132800001501000',
    status: { code: 'error', message: 'it broke' },
    events: [{ timeUnixNano: '1795132800000002000', name: 'ws' }],
    attributes: [
      kv('http.path', '/orders'),
      kv('error', 'it broke'),
      kv('network.local.address', '10.0.0.1'),
      kv('network.local.port', 3306),
      kv('peer.service', 'backend'),
      kv('network.peer.address', '2001:db8::c001'),
    ],
  })
  expect(body.sources[body.spans[0]?.source ?? -1]?.scope).toMatchObject({ name: 'lib', version: '2' })
  expect(body.spans[1]).toMatchObject({
    parentSpanId: 'a2fb4a1d1a96d312',
    service: 'backend',
    kind: 'server',
    status: { code: 'ok' },
  })
})

test('the kafka.topic tag of Brave is a topic between producer and consumer', async () => {
  const traceId = '463ac35c9f6413ae'
  const timestamp = 1795132800000000
  const sent = {
    traceId,
    id: '0000000000000001',
    kind: 'PRODUCER',
    name: 'send',
    timestamp,
    duration: 10,
    tags: { 'kafka.topic': 'orders' },
  }
  const taken = {
    ...sent,
    id: '0000000000000002',
    parentId: '0000000000000001',
    kind: 'CONSUMER',
    name: 'poll',
    timestamp: timestamp + 510,
  }
  const spans = [
    { ...sent, localEndpoint: { serviceName: 'shop' } },
    { ...taken, localEndpoint: { serviceName: 'billing' } },
  ]
  expect((await post(JSON.stringify(spans))).status).toBe(202)
  await spanlink.stored()
  const [start, end] = [timestamp, timestamp + 1_000_000].map((micros) => `${micros}000`) as [string, string]
  const { body } = await spanlink.get<TopologyResponse>('/api/topology', { start, end })
  const edges = body.edges.filter(({ topic }) => topic === 'orders')
  expect(edges.map(({ type, from, to, queueTimeNano }) => [type, from, to, queueTimeNano?.p50]).toSorted()).toEqual([
    ['consume', 'topic:kafka::orders', 'service:billing', '500000'],
    ['produce', 'service:shop', 'topic:kafka::orders', undefined],
  ])
})

test('a Zipkin body without Content-Type is parsed as JSON', async () => {
  const url = new URL('/api/v2/spans', spanlink.ingest.otlpHttpUrl)
  // Bytes, because fetch adds a Content-Type to text.
  const response = await fetch(url, { method: 'POST', body: Buffer.from('[{"traceId":"abc","id":"1"}]') })
  expect(response.status).toBe(202)
  await spanlink.stored()
  const { body } = await spanlink.get<TraceResponse>(`/api/traces/${'abc'.padStart(32, '0')}`)
  expect(body.spans).toMatchObject([{ spanId: '0000000000000001' }])
})

test.each([
  ['1', '1'.padStart(32, '0')],
  ['463ac35c9f6413a', '463ac35c9f6413a'.padStart(32, '0')],
  ['463AC35C9F6413AD1', '463ac35c9f6413ad1'.padStart(32, '0')],
])('the short Zipkin trace id %s is padded with zeros', (traceId, stored) => {
  const rows = transcodeZipkin(Buffer.from(JSON.stringify([{ traceId, id: 'f', parentId: 'abc' }])), RECEIVED)
  expect(readSpans(rows)).toMatchObject([
    { traceId: stored, spanId: '000000000000000f', parentSpanId: '0000000000000abc' },
  ])
})

test.each([
  [{ traceId: 'x1' }, 'traceId must be 1 to 32 hex digits'],
  [{ traceId: '1'.repeat(33) }, 'traceId must be 1 to 32 hex digits'],
  [{ traceId: '00' }, 'trace id is all zero'],
  [{ id: '1'.repeat(17) }, 'id must be 1 to 16 hex digits'],
  [{ parentId: 'no hex' }, 'parentId must be 1 to 16 hex digits'],
  [{ timestamp: 'soon' }, 'timestamp must be a number of microseconds'],
  [{ timestamp: 1e30 }, 'timestamp is out of range'],
  [{ duration: 1e30 }, 'duration is out of range'],
  [{ timestamp: 18446744073709000, duration: 1e15 }, 'timestamp plus duration is out of range'],
  [{ annotations: [{ timestamp: 1e30 }] }, 'annotation timestamp is out of range'],
  [{ annotations: [{ timestamp: -1 }] }, 'annotation timestamp must be a number of microseconds'],
])('only the Zipkin span with %j is rejected, with a message', (fields, message) => {
  const spans = [
    { traceId: 'a', id: 'b' },
    { traceId: 'a', id: 'c', ...fields },
    { traceId: 'a', id: 'd' },
  ]
  const rows = transcodeZipkin(Buffer.from(JSON.stringify(spans)), RECEIVED)
  expect(rows).toMatchObject({ spanCount: 2, rejectedSpans: 1 })
  expect(rows.rejectReason).toContain(`span 1 of the request: ${message}`)
})

test('a trace of 953 Zipkin client spans and 88 shared server spans is returned whole', async () => {
  const traceId = 'e'.repeat(32)
  const common = { traceId, timestamp: 1795132800000001, duration: 5 }
  const spanOf = (i: number) => ({
    ...common,
    id: (i + 1).toString(16),
    kind: 'CLIENT',
    localEndpoint: { serviceName: 'a' },
  })
  const clients = Array.from({ length: 953 }, (_, i) => spanOf(i))
  const servers = clients
    .slice(0, 88)
    .map((span) => ({ ...span, kind: 'SERVER', shared: true, localEndpoint: { serviceName: 'b' } }))
  expect((await post(JSON.stringify([...clients, ...servers]))).status).toBe(202)
  await spanlink.stored()
  const { body } = await spanlink.get<TraceResponse>(`/api/traces/${traceId}`)
  expect(body.spans).toHaveLength(1041)
})

test('an empty Zipkin list is accepted', async () => {
  expect(await post('[]')).toEqual({ status: 202, body: '' })
})

test.each([
  ['invalid JSON', '[{', 400],
  ['not a list', '{}', 400],
  ['a list of numbers', '[1]', 400],
  ['a span without ids', '[{"name":"x"}]', 400],
  ['a span with an invalid timestamp', '[{"traceId":"1","id":"2","timestamp":"soon"}]', 400],
])('a Zipkin body that is %s returns 400', async (_what, body, status) => {
  const response = await post(body)
  expect(response.status).toBe(status)
  expect(JSON.parse(response.body)).toMatchObject({ code: 3, message: expect.any(String) })
})

test('Zipkin protobuf returns 415', async () => {
  expect((await post('', 'application/x-protobuf')).status).toBe(415)
})

test('random Zipkin JSON is converted or throws an OtlpError', () => {
  const names = [
    'traceId',
    'id',
    'parentId',
    'kind',
    'name',
    'timestamp',
    'duration',
    'localEndpoint',
    'tags',
    'shared',
  ]
  const span = fc.dictionary(fc.constantFrom(...names, 'annotations', 'remoteEndpoint'), fc.jsonValue({ maxDepth: 3 }))
  fc.assert(
    fc.property(fc.array(span, { maxLength: 3 }), (spans) => {
      expect(unexpected(() => transcodeZipkin(Buffer.from(JSON.stringify(spans)), 1_800_000_000))).toBeUndefined()
    }),
    { numRuns: 3000 },
  )
})

function unexpected(transcode: () => unknown): unknown {
  try {
    transcode()
    return undefined
  } catch (error) {
    return error instanceof OtlpError ? undefined : error
  }
}

async function post(body: string, type = 'application/json'): Promise<{ status: number; body: string }> {
  const url = new URL('/api/v2/spans', spanlink.ingest.otlpHttpUrl)
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body })
  return { status: response.status, body: await response.text() }
}
