import { type PlainValue, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { linkTo, processing, send, span } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'
import { findHourlyTopology, HOUR_MS, listEdges } from './hourly-topology.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

/** One send and one consumption as written in each version of the semantic conventions. */
const conventions: Readonly<Record<string, readonly [Attributes, Attributes, string, string]>> = {
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
  for (const [produced, consumed, produceName, consumeName] of Object.values(conventions)) {
    const at = hour * HOUR_MS
    const sent = span({ name: produceName, kind: 4, at, attributes: produced })
    const consumer = span({ name: consumeName, kind: 5, at: at + 60, attributes: consumed, links: [linkTo(sent)] })
    await traces.put(tracesOf('producer', [sent]))
    await traces.put(tracesOf('consumer', [consumer]))
  }
  const count = Object.keys(conventions).length
  expect(listEdges(await findHourlyTopology(traces.store, hour))).toEqual([
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
      attributes: { ...conventions['1.45']?.[0], 'messaging.operation.type': 'create' },
    }),
  )
  const sent = send('orders', { at: at + 1, kind: 3, links: made.map((one) => linkTo(one)) })
  const poll = span({
    name: 'poll orders',
    kind: 3,
    at: at + 20,
    links: made.map((one) => linkTo(one)),
    attributes: { ...conventions['1.45']?.[1], 'messaging.operation.type': 'receive' },
  })
  const processed = made.map((one) => processing('orders', one, 'g', 'link', { at: at + 31, in: poll }))
  await traces.put(tracesOf('producer', [...made, sent]))
  await traces.put(tracesOf('consumer', [poll, ...processed]))
  expect(listEdges(await findHourlyTopology(traces.store, 5))).toEqual([
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
  const response = await findHourlyTopology(traces.store, 11)
  expect(listEdges(response).filter(([type]) => type === 'deliver')).toEqual([
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
      ...conventions['1.45']?.[1],
      'messaging.operation.type': 'receive',
      'messaging.batch.message_count': 4,
    },
  })
  await traces.put(tracesOf('producer', sent))
  await traces.put(tracesOf('consumer', [consumer]))
  expect(listEdges(await findHourlyTopology(traces.store, 12))).toEqual([
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
    const attributes = { ...conventions['1.45']?.[1], 'messaging.operation.type': 'receive' }
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
    expect(listEdges(await findHourlyTopology(traces.store, hour))).toEqual([
      ['consume', 'group:kafka::g', 'service:consumer', 1, 0, queued],
      ['deliver', 'topic:kafka::orders', 'group:kafka::g', 1, 0, queued],
      ['produce', 'service:producer', 'topic:kafka::orders', 1, 0, undefined],
    ])
  },
)

test('a receive span that ended before its message was sent has a negative queue time', async () => {
  const at = 70 * HOUR_MS
  const sent = send('orders', { at: at + 100, for: 10 })
  const attributes = { ...conventions['1.45']?.[1], 'messaging.operation.type': 'receive' }
  const receive = span({ name: 'poll orders', kind: 3, at, for: 50, attributes, links: [linkTo(sent)] })
  await traces.put(tracesOf('producer', [sent]))
  await traces.put(tracesOf('consumer', [receive]))
  expect(listEdges(await findHourlyTopology(traces.store, 70))).toContainEqual([
    'deliver',
    'topic:kafka::orders',
    'group:kafka::g',
    1,
    0,
    '-100000000',
  ])
})

test('a send span around another of the same topic is not counted', async () => {
  const at = 71 * HOUR_MS
  const outer = send('orders', { at, for: 6 })
  const inner = send('orders', { at: at + 1, for: 4, in: outer })
  const other = send('orders', { at: at + 2 })
  const forwarding = send('invoices', { at: at + 3, in: other })
  await traces.put(tracesOf('shop', [outer, inner, other, forwarding]))
  expect(listEdges(await findHourlyTopology(traces.store, 71))).toEqual([
    ['produce', 'service:shop', 'topic:kafka::invoices', 1, 0, undefined],
    ['produce', 'service:shop', 'topic:kafka::orders', 2, 0, undefined],
  ])
})
