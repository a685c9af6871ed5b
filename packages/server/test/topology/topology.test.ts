import type { TopologyResponse } from '@spanlink/api-schema'
import { type PlainValue, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { InvalidParameterError } from '../../src/query/sql/invalid-parameter.ts'
import { findTopology } from '../../src/query/topology/find-topology.ts'
import { linkTo, MS, processing, send, span, T0, type TestSpan } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

const HOUR_MS = 3_600_000

/** Each test uses a separate hour. */
async function topology(hour: number): Promise<TopologyResponse> {
  const start = T0 + BigInt(hour * HOUR_MS) * MS
  return await findTopology(traces.store, { start: String(start), end: String(start + BigInt(HOUR_MS) * MS) }, {})
}

function edges(response: TopologyResponse) {
  return response.edges
    .map((edge) => [edge.type, edge.from, edge.to, edge.count, edge.errorCount, edge.queueTimeNano?.p50])
    .toSorted((a, b) => (String(a) < String(b) ? -1 : 1))
}

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
    const response = await topology(hour)
    expect(edges(response)).toEqual(orderEdges)
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
  expect(edges(await topology(3))).toEqual(orderEdges)
})

/** One send and one consumption as written in each version of the semantic conventions. */
const spellings: Readonly<Record<string, readonly [Attributes, Attributes, string, string]>> = {
  '1.16': [
    { 'messaging.system': 'kafka', 'messaging.destination': 'orders' },
    {
      'messaging.system': 'kafka',
      'messaging.destination': 'orders',
      'messaging.operation': 'process',
      'messaging.kafka.consumer_group': 'g',
    },
    'orders send',
    'orders process',
  ],
  '1.18': [
    { 'messaging.system': 'kafka', 'messaging.destination.name': 'orders', 'messaging.operation': 'publish' },
    {
      'messaging.system': 'kafka',
      'messaging.source.name': 'orders',
      'messaging.operation': 'process',
      'messaging.kafka.consumer.group': 'g',
    },
    'orders publish',
    'orders process',
  ],
  '1.24': [
    { 'messaging.system': 'kafka', 'messaging.destination.name': 'orders', 'messaging.operation': 'publish' },
    {
      'messaging.system': 'kafka',
      'messaging.destination.name': 'orders',
      'messaging.operation': 'deliver',
      'messaging.kafka.consumer.group': 'g',
    },
    'orders publish',
    'orders deliver',
  ],
  '1.27': [
    { 'messaging.system': 'kafka', 'messaging.destination.name': 'orders', 'messaging.operation.type': 'publish' },
    {
      'messaging.system': 'kafka',
      'messaging.destination.name': 'orders',
      'messaging.operation.type': 'process',
      'messaging.consumer.group.name': 'g',
    },
    'publish orders',
    'process orders',
  ],
  '1.45': [
    { 'messaging.system.name': 'kafka', 'messaging.destination.name': 'orders', 'messaging.operation.type': 'send' },
    {
      'messaging.system.name': 'kafka',
      'messaging.destination.name': 'orders',
      'messaging.operation.type': 'process',
      'messaging.consumer.group.name': 'g',
    },
    'send orders',
    'process orders',
  ],
  'name only': [
    { 'messaging.system': 'kafka', 'messaging.destination.name': 'orders' },
    { 'messaging.system': 'kafka', 'messaging.destination.name': 'orders', 'messaging.consumer.group.name': 'g' },
    'orders send',
    'process orders',
  ],
}

type Attributes = Readonly<Record<string, PlainValue>>

test('spans of every semantic conventions version are merged into the same edges', async () => {
  const hour = 4
  for (const [produced, consumed, produceName, consumeName] of Object.values(spellings)) {
    const at = hour * HOUR_MS
    const sent = span({ name: produceName, kind: 4, at, attributes: produced })
    const consumer = span({ name: consumeName, kind: 5, at: at + 60, attributes: consumed, links: [linkTo(sent)] })
    await traces.put(tracesOf('producer', [sent]))
    await traces.put(tracesOf('consumer', [consumer]))
  }
  const count = Object.keys(spellings).length
  expect(edges(await topology(hour))).toEqual([
    ['consume', 'group:kafka::g', 'service:consumer', count, 0, '50000000'],
    ['deliver', 'topic:kafka::orders', 'group:kafka::g', count, 0, '50000000'],
    ['produce', 'service:producer', 'topic:kafka::orders', count, 0, undefined],
  ])
})

test('a consumer with poll and process spans is counted once per message, and so is a batch send', async () => {
  const at = 5 * HOUR_MS
  const made = ['a', 'b'].map(() =>
    span({
      name: 'create orders',
      kind: 4,
      at,
      for: 1,
      attributes: { ...spellings['1.45']?.[0], 'messaging.operation.type': 'create' },
    }),
  )
  const sent = send('orders', { at: at + 1, kind: 3, links: made.map((one) => linkTo(one)) })
  const poll = span({
    name: 'poll orders',
    kind: 3,
    at: at + 20,
    links: made.map((one) => linkTo(one)),
    attributes: { ...spellings['1.45']?.[1], 'messaging.operation.type': 'receive' },
  })
  const processed = made.map((one) => processing('orders', one, 'g', 'link', { at: at + 31, in: poll }))
  await traces.put(tracesOf('producer', [...made, sent]))
  await traces.put(tracesOf('consumer', [poll, ...processed]))
  expect(edges(await topology(5))).toEqual([
    ['consume', 'group:kafka::g', 'service:consumer', 2, 0, '30000000'],
    ['deliver', 'topic:kafka::orders', 'group:kafka::g', 2, 0, '30000000'],
    ['produce', 'service:producer', 'topic:kafka::orders', 2, 0, undefined],
  ])
})

test('a batch span is counted only if its messages have no spans', async () => {
  const at = 11 * HOUR_MS
  const sent = send('orders', { at, for: 10 })
  const batch = { 'messaging.batch.message_count': 1 }
  const whole = processing('orders', sent, 'each', 'link', { at: at + 60, for: 50, attributes: batch })
  const each = processing('orders', sent, 'each', 'link', { at: at + 60, in: whole })
  const only = processing('orders', sent, 'only', 'link', { at: at + 110, attributes: batch })
  await traces.put(tracesOf('consumer', [sent, whole, each, only]))
  const response = await topology(11)
  expect(edges(response).filter(([type]) => type === 'deliver')).toEqual([
    ['deliver', 'topic:kafka::orders', 'group:kafka::each', 1, 0, '50000000'],
    ['deliver', 'topic:kafka::orders', 'group:kafka::only', 1, 0, '100000000'],
  ])
  // The queue time of a message counts once, however many spans it has.
  const delivered = response.edges.filter(({ type }) => type === 'deliver')
  expect(delivered.map(({ queueTimeCount }) => queueTimeCount)).toEqual([1, 1])
})

test('edges count the messages of a batch span, including failed ones', async () => {
  const at = 12 * HOUR_MS
  const sent = [3, 4].map((count, index) =>
    send('orders', {
      at,
      kind: 3,
      attributes: { 'messaging.batch.message_count': count },
      ...(index === 0 ? { status: { code: 2 } } : {}),
    }),
  )
  const consumer = span({
    name: 'poll orders',
    kind: 3,
    at: at + 20,
    attributes: {
      ...spellings['1.45']?.[1],
      'messaging.operation.type': 'receive',
      'messaging.batch.message_count': 4,
    },
  })
  await traces.put(tracesOf('producer', sent))
  await traces.put(tracesOf('consumer', [consumer]))
  expect(edges(await topology(12))).toEqual([
    ['consume', 'group:kafka::g', 'service:consumer', 4, 0, undefined],
    ['deliver', 'topic:kafka::orders', 'group:kafka::g', 4, 0, undefined],
    ['produce', 'service:producer', 'topic:kafka::orders', 7, 3, undefined],
  ])
})

test.each([
  [13, 'process'],
  [14, 'receive'],
] as const)(
  'a group has queue times when one of its two spans is linked to the producer: hour %i, not its %s',
  async (hour, loose) => {
    const at = hour * HOUR_MS
    const sent = send('orders', { at, for: 10 })
    const attributes = { ...spellings['1.45']?.[1], 'messaging.operation.type': 'receive' }
    const receive = span({
      name: 'poll orders',
      kind: 3,
      at: at + 50,
      attributes,
      links: loose === 'receive' ? [] : [linkTo(sent)],
    })
    const process = processing('orders', loose === 'process' ? undefined : sent, 'g', 'link', {
      at: at + 80,
      in: receive,
    })
    await traces.put(tracesOf('producer', [sent]))
    await traces.put(tracesOf('consumer', [receive, process]))
    const queued = loose === 'process' ? '40000000' : '70000000'
    expect(edges(await topology(hour))).toEqual([
      ['consume', 'group:kafka::g', 'service:consumer', 1, 0, queued],
      ['deliver', 'topic:kafka::orders', 'group:kafka::g', 1, 0, queued],
      ['produce', 'service:producer', 'topic:kafka::orders', 1, 0, undefined],
    ])
  },
)

test('a receive span that ended before its message was sent has a negative queue time', async () => {
  const at = 70 * HOUR_MS
  const sent = send('orders', { at: at + 100, for: 10 })
  const attributes = { ...spellings['1.45']?.[1], 'messaging.operation.type': 'receive' }
  const receive = span({ name: 'poll orders', kind: 3, at, for: 50, attributes, links: [linkTo(sent)] })
  await traces.put(tracesOf('producer', [sent]))
  await traces.put(tracesOf('consumer', [receive]))
  expect(edges(await topology(70))).toContainEqual([
    'deliver',
    'topic:kafka::orders',
    'group:kafka::g',
    1,
    0,
    '-100000000',
  ])
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
  const response = await topology(15)
  expect(edges(response)).toEqual([
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
  expect(edges(await topology(16))).toEqual([
    ['consume', 'topic:kafka:c%3A1:orders', 'service:java', 1, 0, '50000000'],
    ['produce', 'service:shop', 'topic:kafka:c%3A1:orders', 2, 0, undefined],
  ])
})

test('a message sent before the requested range has its queue time', async () => {
  const order = send('orders', { at: 6 * HOUR_MS + HOUR_MS / 2, for: 0 })
  const consumer = processing('orders', order, 'g', 'link', { at: 7 * HOUR_MS + HOUR_MS / 2 })
  await traces.put(tracesOf('producer', [order]))
  await traces.put(tracesOf('consumer', [consumer]))
  expect(edges(await topology(7))).toEqual([
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
  const response = await topology(8)
  expect(edges(response)).toEqual([['call', 'service:web', 'service:stock', 1, 1, undefined]])
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
  expect(edges(await topology(40))).toEqual([
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
  expect((await topology(9)).nodes.map((node) => [node.type, node.name]).toSorted()).toEqual([
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
  const response = await topology(10)
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
