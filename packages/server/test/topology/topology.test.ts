import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { InvalidParameterError } from '../../src/query/sql/invalid-parameter.ts'
import { findTopology } from '../../src/query/topology/find-topology.ts'
import { MS, processing, send, span, T0, type TestSpan } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'
import { findHourlyTopology, HOUR_MS, listEdges } from './hourly-topology.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

const orderEdges = [
  ['consume', 'group:kafka::email', 'service:email', 4, 1, '300000000'],
  ['consume', 'group:kafka::payment', 'service:payment', 4, 0, '100000000'],
  ['deliver', 'topic:kafka::orders', 'group:kafka::email', 4, 1, '300000000'],
  ['deliver', 'topic:kafka::orders', 'group:kafka::payment', 4, 0, '100000000'],
  ['produce', 'service:gateway', 'topic:kafka::orders', 4, 0, undefined],
]

/** Four orders, each consumed by two groups 100 and 300 ms after its send ended. */
async function putOrders(hour: number, mode: (index: number) => 'link' | 'parent' | 'both'): Promise<void> {
  for (let index = 0; index < 4; index++) {
    const at = hour * HOUR_MS + index * 60_000
    const order = send('orders', { at, for: 10 })
    const pay = processing('orders', order, 'payment', mode(index), { at: at + 110 })
    const failed = index === 0 ? { status: { code: 2 } } : {}
    const mail = processing('orders', order, 'email', mode(index), { at: at + 310, ...failed })
    // The producer arrives before or after its consumers.
    if (index % 2 === 0) await traces.put(tracesOf('gateway', [order]))
    await traces.put(tracesOf('payment', [pay]))
    await traces.put(tracesOf('email', [mail]))
    if (index % 2 === 1) await traces.put(tracesOf('gateway', [order]))
  }
}

test.each([
  [0, 'link'],
  [1, 'parent'],
  [2, 'both'],
] as const)(
  'the topology has the same edges for each correlation mode of consumers: hour %i, %s',
  async (hour, mode) => {
    await putOrders(hour, () => mode)
    const response = await findHourlyTopology(traces.store, hour)
    expect(listEdges(response)).toEqual(orderEdges)
    expect(response.nodes.map((node) => `${node.type} ${node.system} ${node.name}`).toSorted()).toEqual([
      'group kafka email',
      'group kafka payment',
      'service  email',
      'service  gateway',
      'service  payment',
      'topic kafka orders',
    ])
    const produce = response.edges.find((edge) => edge.type === 'produce')
    expect(produce).toMatchObject({ ratePerSecond: 4 / 3600, sampled: false, durationNano: { p50: '10000000' } })
    expect(produce?.failed).toBeUndefined()
    expect(response.edges.find((edge) => edge.to === 'service:email')?.failed?.traceId).toMatch(/^[0-9a-f]{32}$/)
  },
)

test('the topology has the same edges when half of the consumers are linked and half are children', async () => {
  await putOrders(3, (index) => (index < 2 ? 'link' : 'parent'))
  expect(listEdges(await findHourlyTopology(traces.store, 3))).toEqual(orderEdges)
})

test('the same topic name in two clusters is two topics with their own groups and queue times', async () => {
  const at = 15 * HOUR_MS
  for (const [index, cluster] of ['east', 'west'].entries()) {
    const attributes = { 'kafka.cluster.id': cluster }
    const sent = send('orders', { at, for: 10, attributes })
    const older = { 'messaging.kafka.cluster.id': cluster }
    const consumer = processing('orders', sent, 'billing', 'link', { at: at + 60 + index * 100, attributes: older })
    await traces.put(tracesOf(`shop ${cluster}`, [sent]))
    await traces.put(tracesOf('billing', [consumer]))
  }
  const response = await findHourlyTopology(traces.store, 15)
  expect(listEdges(response)).toEqual([
    ['consume', 'group:kafka:east:billing', 'service:billing', 1, 0, '50000000'],
    ['consume', 'group:kafka:west:billing', 'service:billing', 1, 0, '150000000'],
    ['deliver', 'topic:kafka:east:orders', 'group:kafka:east:billing', 1, 0, '50000000'],
    ['deliver', 'topic:kafka:west:orders', 'group:kafka:west:billing', 1, 0, '150000000'],
    ['produce', 'service:shop east', 'topic:kafka:east:orders', 1, 0, undefined],
    ['produce', 'service:shop west', 'topic:kafka:west:orders', 1, 0, undefined],
  ])
  const topics = response.nodes
    .filter(({ type }) => type === 'topic')
    .map(({ name, cluster }) => `${name} of ${cluster}`)
  expect(topics.toSorted()).toEqual(['orders of east', 'orders of west'])
})

test('spans without system and cluster get the only known system and cluster of their topic', async () => {
  const at = 16 * HOUR_MS
  const sent = send('orders', { at, for: 10, attributes: { 'kafka.cluster.id': 'c:1' } })
  const first = send('orders', { at, for: 10 })
  const brave = span({ name: 'poll', kind: 5, at: at + 60, in: sent, attributes: { 'kafka.topic': 'orders' } })
  await traces.put(tracesOf('shop', [first, sent]))
  await traces.put(tracesOf('java', [brave]))
  expect(listEdges(await findHourlyTopology(traces.store, 16))).toEqual([
    ['consume', 'topic:kafka:c%3A1:orders', 'service:java', 1, 0, '50000000'],
    ['produce', 'service:shop', 'topic:kafka:c%3A1:orders', 2, 0, undefined],
  ])
})

test('a message sent before the requested range has its queue time', async () => {
  const order = send('orders', { at: 6 * HOUR_MS + HOUR_MS / 2, for: 0 })
  const consumer = processing('orders', order, 'g', 'link', { at: 7 * HOUR_MS + HOUR_MS / 2 })
  await traces.put(tracesOf('producer', [order]))
  await traces.put(tracesOf('consumer', [consumer]))
  expect(listEdges(await findHourlyTopology(traces.store, 7))).toEqual([
    ['consume', 'group:kafka::g', 'service:consumer', 1, 0, '3600000000000'],
    ['deliver', 'topic:kafka::orders', 'group:kafka::g', 1, 0, '3600000000000'],
  ])
})

test('a span whose parent belongs to another service is a call edge', async () => {
  const at = 8 * HOUR_MS
  const client = span({ name: 'GET /stock', kind: 3, at, for: 50 })
  const server = span({ name: 'GET /stock', kind: 2, at: at + 5, for: 30, in: client, status: { code: 2 } })
  const inner = span({ name: 'read', kind: 1, at: at + 6, in: server })
  await traces.put(tracesOf('web', [client]))
  await traces.put(tracesOf('stock', [server, inner]))
  const response = await findHourlyTopology(traces.store, 8)
  expect(listEdges(response)).toEqual([['call', 'service:web', 'service:stock', 1, 1, undefined]])
  expect(response.edges[0]).toMatchObject({
    durationNano: { p99: '30000000' },
    slowest: { traceId: server.traceId, spanId: server.spanId },
    failed: { spanId: server.spanId },
  })
})

test('a call whose client and server share a span id is one edge, and child spans belong to the server', async () => {
  const at = 40 * HOUR_MS
  const root = span({ name: 'GET /', kind: 2, at, for: 100 })
  const client = span({ name: 'GET /stock', kind: 3, at: at + 5, for: 50, in: root })
  const server = { ...client, kind: 2, startTimeUnixNano: String(T0 + BigInt(at + 10) * MS) }
  const inner = span({ name: 'read', kind: 1, at: at + 12, in: server })
  const query = span({ name: 'select', kind: 2, at: at + 14, in: server })
  await traces.put(tracesOf('web', [root, client]))
  await traces.put(tracesOf('stock', [server, inner]))
  await traces.put(tracesOf('db', [query]))
  expect(listEdges(await findHourlyTopology(traces.store, 40))).toEqual([
    ['call', 'service:stock', 'service:db', 1, 0, undefined],
    ['call', 'service:web', 'service:stock', 1, 0, undefined],
  ])
})

test('names with quotes, markup and SQL are returned unchanged in the topology', async () => {
  const at = 9 * HOUR_MS
  const name = `a:b'); drop table spans --<script>\u202e`
  const order = send(name, { at })
  const consumer = processing(name, order, name, 'link', { at: at + 10 })
  await traces.put(tracesOf(name, [order, consumer]))
  expect((await findHourlyTopology(traces.store, 9)).nodes.map((node) => [node.type, node.name]).toSorted()).toEqual([
    ['group', name],
    ['service', name],
    ['topic', name],
  ])
})

test('queue times are sampled for busy topics and exact for low-volume topics', async () => {
  const at = 10 * HOUR_MS
  const spans: TestSpan[] = []
  for (let index = 0; index < 12_000; index++) {
    const sent = send('busy', { at: at + index, for: 1 })
    spans.push(sent, processing('busy', sent, 'g', 'link', { at: at + index + 101 }))
  }
  const quiet = send('quiet', { at, for: 1 })
  spans.push(quiet, processing('quiet', quiet, 'g', 'link', { at: at + 501 }))
  await traces.put(tracesOf('shop', spans))
  const response = await findHourlyTopology(traces.store, 10)
  const busy = response.edges.find((edge) => edge.type === 'deliver' && edge.topic === 'busy')
  expect(busy).toMatchObject({ count: 12_000, queueTimeNano: { p50: '100000000', p99: '100000000' } })
  expect(busy?.queueTimeCount).toBeGreaterThan(3_000)
  expect(busy?.queueTimeCount).toBeLessThan(9_000)
  const other = response.edges.find((edge) => edge.type === 'deliver' && edge.topic === 'quiet')
  expect(other).toMatchObject({ queueTimeNano: { p50: '500000000' }, queueTimeCount: 1 })
})

test('a topology range whose start is not before its end is rejected', async () => {
  await expect(findTopology(traces.store, { start: '5', end: '5' }, {})).rejects.toThrow(InvalidParameterError)
})
