import type { MessagesQuery } from '@spanlink/api-schema'
import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFlow } from '../../src/query/flows/find-flow.ts'
import { findMessages } from '../../src/query/messages/find-messages.ts'
import { linkTo, MS, processing, send, T0, type TestSpan } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

type Position = readonly [partition: number, offset: number]

const at = ([partition, offset]: Position) => ({
  'messaging.destination.partition.id': String(partition),
  'kafka.offset': offset,
})

const NO_OFFSET = { 'kafka.offset': '' }

/** A consumer span per record, with the position on its link. */
const takeEach = (topic: string, sent: TestSpan, group: string, positions: readonly Position[], after = 100) =>
  positions.map((position) =>
    processing(topic, undefined, group, 'link', {
      at: after,
      links: [linkTo(sent, at(position))],
      attributes: NO_OFFSET,
    }),
  )

/** Rows of the list: topic, partition, offset and group. */
async function listOf(sent: TestSpan, filter: MessagesQuery = {}): Promise<readonly string[]> {
  const window = { start: String(T0), end: String(T0 + 3_600_000n * MS) }
  const { messages } = await findMessages(traces.store, 'unconsumed', { ...window, limit: 500, ...filter }, {})
  return messages
    .filter(({ spanId }) => spanId === sent.spanId)
    .map(toRow)
    .toSorted()
}

/** Rows of the list, which are those of the flow too. */
async function missingOf(sent: TestSpan): Promise<readonly string[]> {
  const listed = await listOf(sent)
  const flow = await findFlow(traces.store, sent.traceId, {}, {})
  expect(flow?.missingConsumers.map(toRow).toSorted()).toEqual(listed)
  return listed
}

type Row = Readonly<Record<'topic' | 'partition' | 'offset' | 'consumerGroup', string>>

const toRow = ({ topic, partition, offset, consumerGroup }: Row): string =>
  `${topic} ${partition}/${offset} ${consumerGroup}`

test.each(['link', 'span'])(
  'a group misses the record of a send that only another group took, with positions on the %s',
  async (where) => {
    const topic = `two-${where}`
    const sent = send(topic, { at: 0 })
    const take = (group: string, position: Position) =>
      where === 'link'
        ? takeEach(topic, sent, group, [position])
        : [processing(topic, sent, group, 'link', { at: 100, attributes: at(position) })]
    await traces.put(tracesOf('shop', [sent]))
    await traces.put(tracesOf('stock', [...take('stock', [0, 5]), ...take('stock', [1, 9])]))
    await traces.put(tracesOf('email', take('email', [0, 5])))
    expect(await missingOf(sent)).toEqual([`${topic} 1/9 email`])
    expect(await listOf(sent, { topic })).toEqual([`${topic} 1/9 email`])
    expect(await listOf(sent, { topic, consumerGroup: 'email' })).toEqual([`${topic} 1/9 email`])
    expect(await listOf(sent, { topic, consumerGroup: 'stock' })).toEqual([])
    expect(await listOf(sent, { topic, neverConsumed: true })).toEqual([])
  },
)

test('two groups that each took one record of a send miss the other one', async () => {
  const sent = send('crossed', { at: 0 })
  await traces.put(
    tracesOf('shop', [sent, ...takeEach('crossed', sent, 'a', [[0, 5]]), ...takeEach('crossed', sent, 'b', [[0, 6]])]),
  )
  expect(await missingOf(sent)).toEqual(['crossed 0/5 b', 'crossed 0/6 a'])
})

test('of three records of a send, a group misses each that it has not consumed, once', async () => {
  const sent = send('three', { at: 0, attributes: at([0, 1]) })
  await traces.put(tracesOf('shop', [sent]))
  for (const group of ['a', 'b']) {
    await traces.put(
      tracesOf(
        group,
        takeEach('three', sent, group, [
          [0, 1],
          [0, 2],
          [1, 1],
        ]),
      ),
    )
  }
  await traces.put(tracesOf('c', takeEach('three', sent, 'c', [[0, 2]])))
  expect(await missingOf(sent)).toEqual(['three 0/1 c', 'three 1/1 c'])
})

test('a redelivered record does not count for another record of its send', async () => {
  const sent = send('again', { at: 0 })
  await traces.put(
    tracesOf('shop', [
      sent,
      ...takeEach('again', sent, 'a', [
        [0, 1],
        [0, 2],
      ]),
      ...takeEach('again', sent, 'b', [
        [0, 1],
        [0, 1],
      ]),
      ...takeEach('again', sent, 'b', [[0, 1]], 500),
    ]),
  )
  expect(await missingOf(sent)).toEqual(['again 0/2 b'])
})

test('a consumer without an offset counts for every record of a send', async () => {
  const sent = send('unknown', { at: 0, attributes: { ...at([0, 1]), 'messaging.batch.message_count': 2 } })
  await traces.put(
    tracesOf('shop', [
      sent,
      ...takeEach('unknown', sent, 'a', [
        [0, 1],
        [0, 2],
      ]),
      processing('unknown', sent, 'b', 'link', { at: 100, attributes: NO_OFFSET }),
      processing('unknown', sent, 'c', 'parent', { at: 100, attributes: NO_OFFSET }),
    ]),
  )
  expect(await missingOf(sent)).toEqual([])
})

test('the offset of a span that took a batch counts for none of its messages', async () => {
  const [first, second] = [
    send('first-offset', { at: 0, attributes: at([0, 1]) }),
    send('first-offset', { at: 1, attributes: at([0, 2]) }),
  ]
  await traces.put(
    tracesOf('shop', [
      first,
      second,
      processing('first-offset', undefined, 'batch', 'link', {
        at: 100,
        links: [linkTo(first), linkTo(second)],
        attributes: at([0, 1]),
      }),
      ...takeEach('first-offset', first, 'each', [[0, 1]]),
      ...takeEach('first-offset', second, 'each', [[0, 2]]),
    ]),
  )
  expect(await missingOf(first)).toEqual([])
  expect(await missingOf(second)).toEqual([])
})

test('the batch size of a send shows a record that no group has consumed', async () => {
  const attributes = { 'messaging.batch.message_count': 2 }
  const [whole, part] = [send('counted', { at: 0, attributes }), send('counted', { at: 1, attributes })]
  await traces.put(
    tracesOf('shop', [
      whole,
      part,
      ...takeEach('counted', whole, 'a', [
        [0, 1],
        [0, 2],
      ]),
      ...takeEach('counted', part, 'a', [[0, 3]]),
    ]),
  )
  expect(await missingOf(whole)).toEqual([])
  expect(await missingOf(part)).toEqual(['counted / a'])
})

test('a send that forwards an outbox record does not miss it by its batch size', async () => {
  const created = send('outbox', { at: 0, attributes: { 'messaging.operation.type': 'create' } })
  const sent = send('outbox', {
    at: 50,
    links: [linkTo(created)],
    attributes: { 'messaging.batch.message_count': 2 },
  })
  await traces.put(
    tracesOf('shop', [
      created,
      sent,
      ...takeEach('outbox', created, 'a', [[0, 1]]),
      ...takeEach('outbox', sent, 'a', [[0, 2]]),
    ]),
  )
  expect(await missingOf(sent)).toEqual([])
})

test('a send to two topics is missed by the groups of each topic for that topic only', async () => {
  const sent = send('orders', { at: 0 })
  await traces.put(
    tracesOf('shop', [
      sent,
      ...takeEach('orders', sent, 'a', [[0, 5]]),
      ...takeEach('audits', sent, 'x', [[0, 5]]),
      ...takeEach('audits', send('audits', { at: 5 }), 'y', [[0, 1]]),
      ...takeEach('orders', send('orders', { at: 5 }), 'b', [[0, 1]]),
    ]),
  )
  const ofAudits = (await missingOf(sent)).filter((row) => row.startsWith('audits'))
  expect(ofAudits).toEqual(['audits 0/5 y'])
  expect(await missingOf(sent)).toEqual(['audits 0/5 y', 'orders 0/5 b'])
})

test('records with one position on two clusters are missed by the groups of each cluster', async () => {
  const inCluster = (id: string) => ({ 'kafka.cluster.id': id })
  const sent = send('mirrored', { at: 0 })
  const take = (group: string, cluster: string, offset: number) =>
    processing('mirrored', undefined, group, 'link', {
      at: 100,
      links: [linkTo(sent, { ...at([0, offset]), ...inCluster(cluster) })],
      attributes: { ...NO_OFFSET, ...inCluster(cluster) },
    })
  await traces.put(
    tracesOf('shop', [sent, take('east-1', 'east', 5), take('east-2', 'east', 6), take('west-1', 'west', 5)]),
  )
  expect(await missingOf(sent)).toEqual(['mirrored 0/5 east-2', 'mirrored 0/6 east-1'])
})

test('a group misses the last two of 5,000 records of a send', async () => {
  const sent = send('large', { at: 0 })
  const links = Array.from({ length: 5_000 }, (_, offset) => linkTo(sent, at([0, offset])))
  const take = (group: string, count: number) =>
    processing('large', undefined, group, 'link', { at: 100, links: links.slice(0, count), attributes: NO_OFFSET })
  await traces.put(tracesOf('shop', [sent, take('a', 5_000), take('b', 4_998)]))
  expect(await listOf(sent, { topic: 'large' })).toEqual(['large 0/4998 b', 'large 0/4999 b'])
})

test('a record is never consumed if only another record of its send was', async () => {
  const own = send('never', { at: 0, attributes: at([0, 1]) })
  const counted = send('never', { at: 1, attributes: { 'messaging.batch.message_count': 2 } })
  const whole = send('never', { at: 2, attributes: { ...at([0, 7]), 'messaging.batch.message_count': 2 } })
  await traces.put(
    tracesOf('shop', [
      own,
      counted,
      whole,
      ...takeEach('never', own, 'a', [[0, 2]]),
      ...takeEach('never', counted, 'a', [[0, 5]]),
      ...takeEach('never', whole, 'a', [
        [0, 7],
        [0, 8],
      ]),
    ]),
  )
  const filter = { topic: 'never', neverConsumed: true }
  expect(await listOf(own, filter)).toEqual(['never 0/1 '])
  expect(await listOf(counted, filter)).toEqual(['never / '])
  expect(await listOf(whole, filter)).toEqual([])
})

test('a message read from a queue with another name than its exchange is consumed', async () => {
  const sent = [send('exchange', { at: 0 }), send('exchange', { at: 1 })] as const
  await traces.put(
    tracesOf('shop', [
      ...sent,
      processing('queue', sent[0], '', 'parent', { at: 100, attributes: NO_OFFSET }),
      processing('queue', sent[1], '', 'link', { at: 100, attributes: NO_OFFSET }),
    ]),
  )
  expect(await listOf(sent[0], { topic: 'exchange' })).toEqual([])
  expect(await listOf(sent[1], { topic: 'exchange', neverConsumed: true })).toEqual([])
})

test('a send to a topic without known groups is missed by the groups of its other topic', async () => {
  const sent = send('no-groups', { at: 0 })
  const toOther = linkTo(sent, { ...at([0, 5]), 'messaging.destination.name': 'with-groups' })
  const other = send('with-groups', { at: 5 })
  await traces.put(
    tracesOf('shop', [
      sent,
      other,
      processing('with-groups', undefined, 'x', 'link', { at: 100, links: [toOther], attributes: NO_OFFSET }),
      ...takeEach('with-groups', other, 'x', [[0, 6]]),
      ...takeEach('with-groups', other, 'y', [[0, 6]]),
    ]),
  )
  expect(await missingOf(sent)).toEqual(['with-groups 0/5 y'])
})
