import type { MessageList, MessagesResponse, MessagesQuery } from '@spanlink/api-schema'
import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findMessages } from '../../src/query/messages/find-messages.ts'
import { MS, T0 } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'
import { kotelConsume, type KotelMode, kotelPublish } from './kotel-spans.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

const HOUR_MS = 3_600_000
const failed = { status: { code: 2, message: 'no stock' } }
const modes = ['child', 'LinkSpans'] as const

async function find(list: MessageList, at: number, query: MessagesQuery = {}): Promise<MessagesResponse> {
  const window = { start: String(T0 + BigInt(at) * MS), end: String(T0 + BigInt(at + HOUR_MS) * MS) }
  return await findMessages(traces.store, list, { ...window, ...query }, {})
}

/** Each mode uses separate hours. */
const hourOf = (mode: KotelMode, hour: number): number => (modes.indexOf(mode) * 20 + hour) * HOUR_MS

describe.each(modes)('kotel in %s mode', (mode) => {
  const consumer = (topic: string, group: string, offset: number, at: number) => ({
    topic,
    group,
    position: { partition: 2, offset },
    mode,
    at,
  })

  test('a dead letter is traced back over its retry to the first publish', async () => {
    const at = hourOf(mode, 0)
    const order = kotelPublish('orders', { partition: 2, offset: 41 }, { at })
    const first = kotelConsume(order, consumer('orders', 'email', 41, at + 100), failed)
    const again = kotelPublish('orders-retry', { partition: 2, offset: 7 }, { at: at + 130, in: first.process })
    const second = kotelConsume(again, consumer('orders-retry', 'email', 7, at + 1_000), failed)
    const dead = kotelPublish('orders-dlq', { partition: 0, offset: 3 }, { at: at + 1_030, in: second.process })
    await traces.put(tracesOf('shop', [order]))
    await traces.put(
      tracesOf(
        'email',
        [first, second].flatMap(({ receive, process }) => [receive, process]),
      ),
    )
    await traces.put(tracesOf('email', [again, dead]))
    const attempts = [first, second].map(({ process }) => ({ spanId: process.spanId, errorMessage: 'no stock' }))
    expect((await find('dead-lettered', at)).messages).toMatchObject([
      {
        spanId: dead.spanId,
        topic: 'orders',
        partition: '2',
        offset: '41',
        key: 'order-1',
        consumerGroup: 'email',
        producer: { spanId: order.spanId, key: 'order-1' },
        attempts,
      },
    ])
    expect((await find('retried', at)).messages).toMatchObject([
      { spanId: again.spanId, topic: 'orders', offset: '41', producer: { spanId: order.spanId }, attempts },
    ])
    expect((await find('retried', at, { consumerGroup: 'email' })).total).toBe(1)
  })

  test('a record forwarded under its receive span has the process span as its attempt', async () => {
    const at = hourOf(mode, 1)
    const order = kotelPublish('orders', { partition: 2, offset: 42 }, { at })
    const { receive, process } = kotelConsume(order, consumer('orders', 'email', 42, at + 100), failed)
    const dead = kotelPublish('orders-dlq', { partition: 0, offset: 4 }, { at: at + 130, in: receive })
    await traces.put(tracesOf('shop', [order, receive, process, dead]))
    expect((await find('dead-lettered', at)).messages).toMatchObject([
      { producer: { spanId: order.spanId }, attempts: [{ spanId: process.spanId, errorMessage: 'no stock' }] },
    ])
  })

  test('a message received and processed twice is one redelivery', async () => {
    const at = hourOf(mode, 2)
    const order = kotelPublish('orders', { partition: 2, offset: 43 }, { at })
    const [first, second] = [100, 60_000].map((later) =>
      kotelConsume(order, consumer('orders', 'email', 43, at + later)),
    )
    const once = kotelConsume(order, consumer('orders', 'stock', 43, at + 100))
    const all = [first, second, once].flatMap((one) => (one ? [one.receive, one.process] : []))
    await traces.put(tracesOf('shop', [order, ...all]))
    const response = await find('redelivered', at)
    expect(response.messages).toMatchObject([
      {
        spanId: second?.process.spanId,
        consumerGroup: 'email',
        offset: '43',
        attempts: [{ spanId: first?.process.spanId }, { spanId: second?.process.spanId }],
      },
    ])
    expect(response.total).toBe(1)
  })

  test('a message received twice and processed once is one redelivery', async () => {
    const at = hourOf(mode, 3)
    const order = kotelPublish('orders', { partition: 2, offset: 44 }, { at })
    const [first, second] = [100, 60_000].map((later) =>
      kotelConsume(order, consumer('orders', 'email', 44, at + later)),
    )
    await traces.put(
      tracesOf(
        'shop',
        [order, first?.receive, second?.receive, second?.process].filter((one) => one !== undefined),
      ),
    )
    const response = await find('redelivered', at)
    expect(response.messages.map(({ attempts }) => attempts.map(({ spanId }) => spanId))).toEqual([
      [first?.receive.spanId, second?.receive.spanId],
    ])
  })

  test('a late message is listed once, and an unconsumed one with the group that consumes the topic', async () => {
    const at = hourOf(mode, 4)
    const slow = kotelPublish('slow', { partition: 2, offset: 45 }, { at })
    const lost = kotelPublish('slow', { partition: 2, offset: 46 }, { at: at + 1 })
    const { receive, process } = kotelConsume(slow, consumer('slow', 'email', 45, at + 30_010))
    await traces.put(tracesOf('shop', [slow, lost, receive, process]))
    expect((await find('late', at)).messages).toMatchObject([{ spanId: process.spanId, waitNano: '30006000000' }])
    expect((await find('unconsumed', at)).messages).toMatchObject([{ spanId: lost.spanId, consumerGroup: 'email' }])
  })
})

test('a message that seven groups retry over their own topics is listed once per group', async () => {
  const at = 50 * HOUR_MS
  const order = kotelPublish('orders', { partition: 2, offset: 47 }, { at })
  const groups = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  const retries = groups.map((group, index) => {
    const position = { partition: 2, offset: 47 }
    const mode = modes[index % 2] ?? 'child'
    const first = kotelConsume(order, { topic: 'orders', group, position, mode, at: at + 100 }, failed)
    const sends = [130, 135].map((later) =>
      kotelPublish(`orders-retry-${group}`, { partition: 0, offset: later }, { at: at + later, in: first.process }),
    )
    return { ...first, sends }
  })
  await traces.put(tracesOf('shop', [order]))
  await traces.put(
    tracesOf(
      'worker',
      retries.flatMap(({ receive, process, sends }) => [receive, process, ...sends]),
    ),
  )
  const response = await find('retried', at)
  expect(response.messages.map((message) => message.consumerGroup).toSorted()).toEqual(groups)
  for (const [index, group] of groups.entries()) {
    expect((await find('retried', at, { consumerGroup: group })).messages).toMatchObject([
      { spanId: retries[index]?.sends[1]?.spanId, producer: { spanId: order.spanId } },
    ])
  }
})
