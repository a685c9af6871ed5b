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
