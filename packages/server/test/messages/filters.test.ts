import type { MessageList, MessagesQuery, MessagesResponse } from '@spanlink/api-schema'
import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findMessages } from '../../src/query/messages/find-messages.ts'
import { linkTo, MS, processing, send, span, T0, type TestSpan } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

const HOUR_MS = 3_600_000

async function find(list: MessageList, at: number, query: MessagesQuery = {}): Promise<MessagesResponse> {
  const window = { start: String(T0 + BigInt(at) * MS), end: String(T0 + BigInt(at + HOUR_MS) * MS) }
  return await findMessages(traces.store, list, { ...window, ...query }, {})
}

/** A consumer span that names no topic. */
function consume(sent: TestSpan, at: number, attributes: Readonly<Record<string, string>> = {}): TestSpan {
  return span({
    name: 'process',
    kind: 5,
    at,
    links: [linkTo(sent)],
    attributes: { 'messaging.system': 'kafka', 'messaging.operation.type': 'process', ...attributes },
  })
}

const GROUP = { 'messaging.consumer.group.name': 'stock' }

test.each(['late', 'redelivered'] as const)(
  'a consumer without topic is %s under the topic of its producer, with and without the topic filter',
  async (list) => {
    const at = (list === 'late' ? 0 : 1) * HOUR_MS
    const [sent, other] = ['orders', 'clicks'].map((topic) => send(topic, { at })) as [TestSpan, TestSpan]
    const consumed = [sent, other].flatMap((one) => [20_000, 30_000].map((later) => consume(one, at + later, GROUP)))
    await traces.put(tracesOf('shop', [sent, other]))
    await traces.put(tracesOf('stock', consumed))
    const rowsOf = ({ messages }: MessagesResponse) =>
      messages.map(({ topic, consumerGroup }) => `${topic} ${consumerGroup}`).toSorted()
    expect(rowsOf(await find(list, at))).toEqual(['clicks stock', 'orders stock'])
    expect(rowsOf(await find(list, at, { topic: 'orders' }))).toEqual(['orders stock'])
    expect(rowsOf(await find(list, at, { topic: 'orders', consumerGroup: 'stock' }))).toEqual(['orders stock'])
    expect((await find(list, at, { topic: 'orders', consumerGroup: 'email' })).messages).toEqual([])
    expect((await find(list, at, { topic: 'order' })).messages).toEqual([])
  },
)

test.each(['late', 'redelivered'] as const)(
  'a message whose process spans name no group is %s once, under the group of its receive spans',
  async (list) => {
    const at = (list === 'late' ? 2 : 3) * HOUR_MS
    const sent = send('orders', { at })
    const spans = [20_000, 30_000].flatMap((later) => {
      const attributes = { 'messaging.operation.type': 'receive' }
      const receive = processing('orders', sent, 'stock', 'link', { at: at + later, for: 500, attributes })
      return [receive, { ...consume(sent, at + later + 10), traceId: receive.traceId, parentSpanId: receive.spanId }]
    })
    await traces.put(tracesOf('shop', [sent]))
    await traces.put(tracesOf('stock', spans))
    const [first, last] = [spans[1], spans[3]]
    const expected = [[(list === 'late' ? first : last)?.spanId, 'stock']]
    for (const query of [{}, { consumerGroup: 'stock' }, { topic: 'orders', consumerGroup: 'stock' }]) {
      const { messages } = await find(list, at, query)
      expect(messages.map(({ spanId, consumerGroup }) => [spanId, consumerGroup])).toEqual(expected)
    }
    expect((await find(list, at, { consumerGroup: 'email' })).messages).toEqual([])
  },
)

test.each(['late', 'redelivered'] as const)(
  'a page of %s messages of a topic continues behind thousands of consumers without topic',
  async (list) => {
    const at = (list === 'late' ? 4 : 5) * HOUR_MS
    const [sent, other] = ['orders', 'clicks'].map((topic) => send(topic, { at })) as [TestSpan, TestSpan]
    const wanted = [20_000, 30_000].map((later) => consume(sent, at + later, GROUP))
    const others = Array.from({ length: 2_100 }, (_, index) =>
      consume(other, at + 100_000 + index, { 'messaging.consumer.group.name': `group-${index % 700}` }),
    )
    await traces.put(tracesOf('shop', [sent, other]))
    await traces.put(tracesOf('stock', [...wanted, ...others]))
    const first = await find(list, at, { topic: 'orders' })
    expect(first).toMatchObject({ messages: [], total: 0, complete: false })
    expect(BigInt(first.searched.start)).toBeGreaterThan(T0 + BigInt(at + 30_000) * MS)
    const next = await find(list, at, { topic: 'orders', cursor: first.nextCursor })
    expect(next.messages.map(({ spanId }) => spanId)).toEqual([(list === 'late' ? wanted[0] : wanted[1])?.spanId])
    expect(next.complete).toBe(true)
    expect(next.searched.end).toBe(first.searched.start)
  },
  60_000,
)

/** A message that fails once, and the topic that its consumer sent it to. */
function forward(topic: string, to: string, at: number): TestSpan[] {
  const sent = send(topic, { at })
  const failed = processing(topic, sent, 'stock', 'link', { at: at + 20, status: { code: 2 } })
  return [sent, failed, send(to, { at: at + 22, in: failed })]
}

test('retried and dead-lettered messages are filtered by the exact names of the topics they were on', async () => {
  const at = 6 * HOUR_MS
  const toLetters = ['dead-letter-orders', 'app.dlq', 'retry-orders'].flatMap((to, index) =>
    forward('orders', to, at + 1_000 * index),
  )
  const ofOthers = ['orders-eu.dlq', 'orders-eu-retry-0'].flatMap((to, index) =>
    forward('orders-eu', to, at + 10_000 + index),
  )
  const alone = send('lost.dlq', { at: at + 20_000 })
  await traces.put(tracesOf('shop', [...toLetters, ...ofOthers, alone]))
  const rowsOf = async (list: MessageList, topic: string) => {
    const { messages, total, complete, searched } = await find(list, at, { topic })
    expect([total, complete, searched.start]).toEqual([messages.length, true, String(T0 + BigInt(at) * MS)])
    return messages.map((message) => message.topic)
  }
  expect(await rowsOf('dead-lettered', 'orders')).toEqual(['orders', 'orders'])
  expect(await rowsOf('dead-lettered', 'orders-eu')).toEqual(['orders-eu'])
  expect(await rowsOf('dead-lettered', 'order')).toEqual([])
  expect(await rowsOf('dead-lettered', 'app.dlq')).toEqual(['orders'])
  expect(await rowsOf('dead-lettered', 'retry-orders')).toEqual([])
  expect(await rowsOf('dead-lettered', 'lost.dlq')).toEqual(['lost.dlq'])
  expect(await rowsOf('retried', 'orders')).toEqual(['orders'])
  expect(await rowsOf('retried', 'orders-eu')).toEqual(['orders-eu'])
  expect(await rowsOf('retried', 'retry-orders')).toEqual(['orders'])
})

test('a message over two retry topics is retried and dead-lettered once under each of its topics', async () => {
  const at = 7 * HOUR_MS
  const first = forward('orders', 'retry-5s', at)
  const second = processing('retry-5s', first[2], 'stock', 'link', { at: at + 5_000, status: { code: 2 } })
  const again = send('retry-1m', { at: at + 5_002, in: second })
  const third = processing('retry-1m', again, 'stock', 'link', { at: at + 60_000, status: { code: 2 } })
  const dead = send('app.dlq', { at: at + 60_002, in: third })
  await traces.put(tracesOf('shop', [...first, second, again, third, dead]))
  for (const topic of ['orders', 'retry-5s', 'retry-1m', undefined]) {
    const query = topic === undefined ? {} : { topic }
    expect((await find('retried', at, query)).messages.map(({ spanId }) => spanId)).toEqual([again.spanId])
    expect((await find('dead-lettered', at, query)).messages.map(({ spanId }) => spanId)).toEqual([dead.spanId])
  }
})

test('a dead letter of a batch is found under the topic of the batch', async () => {
  const at = 8 * HOUR_MS
  const sent = [0, 1].map((index) => send('orders', { at: at + index }))
  const batch = processing('orders', undefined, 'stock', 'link', { at: at + 50, links: sent.map((one) => linkTo(one)) })
  const dead = send('app.dlq', { at: at + 52, in: batch })
  await traces.put(tracesOf('shop', [...sent, batch, dead]))
  expect((await find('dead-lettered', at, { topic: 'orders' })).messages).toMatchObject([
    { spanId: dead.spanId, topic: 'orders', producer: null },
  ])
})

test('dead letters of one topic are found behind hundreds of another topic, over pages', async () => {
  const at = 9 * HOUR_MS
  const wanted = forward('orders', 'app.dlq', at)
  const others = Array.from({ length: 220 }, (_, index) => forward('clicks', 'app.dlq', at + 1_000 + index * 100))
  await traces.put(tracesOf('shop', [...wanted, ...others.flat()]))
  const first = await find('dead-lettered', at, { topic: 'orders' })
  expect(first).toMatchObject({ messages: [], total: 0, complete: false })
  const next = await find('dead-lettered', at, { topic: 'orders', cursor: first.nextCursor })
  expect(next).toMatchObject({ messages: [{ spanId: wanted[2]?.spanId, topic: 'orders' }], total: 1, complete: true })
  expect(next.searched.end).toBe(first.searched.start)
})
