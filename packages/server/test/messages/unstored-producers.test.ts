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

async function findRedelivered(hour: number) {
  const start = T0 + BigInt(hour * HOUR_MS) * MS
  const window = { start: String(start), end: String(start + BigInt(HOUR_MS) * MS) }
  return await findMessages(traces.store, 'redelivered', window, {})
}

const position = (offset: number) => ({ 'messaging.destination.partition.id': '0', 'kafka.offset': offset })

function consume(hour: number, later: number, contexts: readonly TestSpan[]): TestSpan {
  const links = contexts.map((context) => linkTo(context, position(5)))
  return processing('orders', undefined, 'g', 'link', {
    at: hour * HOUR_MS + later,
    links,
    attributes: position(5),
  })
}

test('each message of a redelivered batch is listed when its producers are not stored', async () => {
  const sent = [1, 2, 3].map((at) => send('orders', { at }))
  const batches = [20, 8_000].map((at) =>
    processing('orders', undefined, 'g', 'link', {
      at,
      links: sent.map((one, index) => linkTo(one, position(index + 1))),
      attributes: { 'kafka.offset': '', 'messaging.batch.message_count': 3 },
    }),
  )
  await traces.put(tracesOf('billing', batches))
  const { messages, complete } = await findRedelivered(0)
  expect(complete).toBe(true)
  const attempts = batches.map(({ spanId }) => ({ spanId }))
  const expected = ['1', '2', '3'].map((offset) => ({
    topic: 'orders',
    partition: '0',
    offset,
    producer: null,
    attempts,
  }))
  expect(messages.toSorted((a, b) => (a.offset < b.offset ? -1 : 1))).toMatchObject(expected)
})

test.each([
  [1, 'links to its context', [send('orders', { at: 0 })]],
  [2, 'no context', []],
] as const)('a record that two services of a group received is redelivered: hour %i, %s', async (hour, _, contexts) => {
  const [blue, green] = [consume(hour, 20, contexts), consume(hour, 5_000, contexts)]
  await traces.put(tracesOf('blue', [blue]))
  await traces.put(tracesOf('green', [green]))
  const attempts = [blue, green].map(({ spanId }) => ({ spanId }))
  expect((await findRedelivered(hour)).messages).toMatchObject([{ offset: '5', consumerGroup: 'g', attempts }])
})

test('records of different contexts at one position of a topic are not redelivered', async () => {
  const consumers = [20, 100_000].map((later) => consume(3, later, [send('orders', { at: 0 })]))
  await traces.put(tracesOf('billing', consumers))
  expect((await findRedelivered(3)).messages).toEqual([])
})

test('a redelivered record is listed without the record of another context at its position', async () => {
  const [staging, production] = [send('orders', { at: 0 }), send('orders', { at: 0 })]
  const consumers = [staging, production, production].map((context, index) => consume(4, 20 + index * 1_000, [context]))
  await traces.put(tracesOf('billing', consumers))
  const attempts = consumers.slice(1).map(({ spanId }) => ({ spanId }))
  const { messages } = await findRedelivered(4)
  expect(messages).toHaveLength(1)
  expect(messages).toMatchObject([{ attempts }])
})

test('records that share a context which is not stored are redelivered only with equal positions', async () => {
  const shared = send('orders', { at: 0 })
  const take = (later: number, attributes: Readonly<Record<string, number | string>>): TestSpan =>
    processing('orders', shared, 'g', 'link', { at: 5 * HOUR_MS + later, attributes })
  const unknown = { 'kafka.offset': '' }
  const again = [take(30, position(2)), take(40, position(2))]
  await traces.put(tracesOf('billing', [take(10, unknown), take(20, unknown), take(25, position(1)), ...again]))
  const attempts = again.map(({ spanId }) => ({ spanId }))
  const { messages } = await findRedelivered(5)
  expect(messages).toHaveLength(1)
  expect(messages).toMatchObject([{ offset: '2', attempts }])
})

test('an attempt without a group has the error of its failed child when its producer is not stored', async () => {
  const at = 6 * HOUR_MS
  const attempt = processing('orders', send('orders', { at }), '', 'link', { at, for: 100 })
  const call = span({ kind: 3, at: at + 10, in: attempt, status: { code: 2, message: 'connection reset' } })
  await traces.put(tracesOf('consumer', [attempt, call, send('orders-dlt', { at: at + 50, in: attempt })]))
  const start = T0 + BigInt(at) * MS
  const window = { start: String(start), end: String(start + BigInt(HOUR_MS) * MS) }
  const { messages } = await findMessages(traces.store, 'dead-lettered', window, {})
  expect(messages).toMatchObject([{ attempts: [{ spanId: attempt.spanId, errorMessage: 'connection reset' }] }])
})
