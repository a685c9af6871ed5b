import type { MessageList, MessagesQuery } from '@spanlink/api-schema'
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
const FAILED = { status: { code: 2, message: 'no stock' } }

async function find(list: MessageList, at: number, query: MessagesQuery = {}) {
  const window = { start: String(T0 + BigInt(at) * MS), end: String(T0 + BigInt(at + HOUR_MS) * MS) }
  return (await findMessages(traces.store, list, { ...window, ...query }, {})).messages
}

/** How another service sends a dead letter for the failed consumer, in a trace of its own. */
const WAYS: readonly (readonly [way: string, forward: (topic: string, failed: TestSpan, at: number) => TestSpan[]])[] =
  [
    ['its send span', (topic, failed, at) => [send(topic, { at, links: [linkTo(failed)] })]],
    [
      'the span around its send',
      (topic, failed, at) => {
        const request = span({ kind: 2, at, for: 50, links: [linkTo(failed)] })
        const handler = span({ at: at + 1, in: request })
        return [request, handler, send(topic, { at: at + 2, in: handler })]
      },
    ],
    [
      'a link to a span inside the failed consumer',
      (topic, failed, at) => {
        const report = span({ kind: 3, at: at - 10, in: failed })
        return [report, send(topic, { at, links: [linkTo(report)] })]
      },
    ],
  ]

test.each(WAYS.map(([way, forward], index) => [way, forward, index * HOUR_MS] as const))(
  'a dead letter that another service sends leads back to its first message over %s',
  async (_, forward, at) => {
    const order = send('orders', { at })
    const first = processing('orders', order, 'stock', 'link', { at: at + 50, for: 100, ...FAILED })
    const retrying = forward('orders.retry', first, at + 120)
    const second = processing('orders.retry', retrying.at(-1), 'stock', 'link', { at: at + 900, for: 100, ...FAILED })
    const burying = forward('orders.dlq', second, at + 970)
    await traces.put(tracesOf('shop', [order]))
    await traces.put(tracesOf('stock', [first, second]))
    await traces.put(tracesOf('relay', [...retrying, ...burying]))
    const attempts = [first, second].map(({ spanId }) => ({ spanId, errorMessage: 'no stock' }))
    const expected = { topic: 'orders', producer: { spanId: order.spanId, service: 'shop' }, attempts }
    expect(await find('dead-lettered', at)).toMatchObject([
      { ...expected, spanId: burying.at(-1)?.spanId, consumerGroup: 'stock' },
    ])
    expect(await find('dead-lettered', at, { consumerGroup: 'stock' })).toHaveLength(1)
    expect(await find('retried', at)).toMatchObject([{ ...expected, spanId: retrying.at(-1)?.spanId }])
  },
)

test.each(WAYS.map(([way, forward], index) => [way, forward, (index + 5) * HOUR_MS] as const))(
  'a message that another service sent to two retry topics is retried once, at the last send, over %s',
  async (_, forward, at) => {
    const order = send('orders', { at })
    const first = processing('orders', order, 'stock', 'link', { at: at + 50, for: 100, ...FAILED })
    const retrying = forward('orders.retry.0', first, at + 120)
    const second = processing('orders.retry.0', retrying.at(-1), 'stock', 'link', { at: at + 900, ...FAILED })
    const again = forward('orders.retry.1', second, at + 920)
    const third = processing('orders.retry.1', again.at(-1), 'stock', 'link', { at: at + 2_000 })
    await traces.put(tracesOf('shop', [order]))
    await traces.put(tracesOf('stock', [first, second, third]))
    await traces.put(tracesOf('relay', [...retrying, ...again]))
    const attempts = [first, second, third].map(({ spanId }) => ({ spanId }))
    expect(await find('retried', at)).toMatchObject([{ spanId: again.at(-1)?.spanId, attempts }])
  },
)

test('a dead letter with links to two failed consumers leads back to neither', async () => {
  const at = 10 * HOUR_MS
  const orders = [0, 1].map((index) => send('orders', { at: at + index }))
  const failed = orders.map((one) => processing('orders', one, 'stock', 'link', { at: at + 50, ...FAILED }))
  const dead = send('orders.dlq', { at: at + 100, links: failed.map((one) => linkTo(one)) })
  await traces.put(tracesOf('shop', [...orders, ...failed, dead]))
  expect(await find('dead-lettered', at)).toMatchObject([{ spanId: dead.spanId, producer: null, attempts: [] }])
})

test('of two records of one send at the same offset, the failed one is dead-lettered and retried with its own attempt', async () => {
  const at = 11 * HOUR_MS
  const sent = send('orders', { at })
  const process = (partition: string, key: string, parts: { readonly at: number; readonly status?: object }) => {
    const record = {
      'messaging.destination.partition.id': partition,
      'kafka.offset': 6,
      'messaging.kafka.message.key': key,
    }
    return processing('orders', undefined, 'stock', 'link', {
      ...parts,
      links: [linkTo(sent, { 'messaging.destination.name': 'orders', ...record })],
      attributes: record,
    })
  }
  const done = process('0', 'alice', { at: at + 20 })
  const failed = process('1', 'bob', { at: at + 40, ...FAILED })
  const forwarded = ['orders.dlq', 'orders.retry'].map((topic) => send(topic, { at: at + 42, in: failed }))
  await traces.put(tracesOf('shop', [sent, done, failed, ...forwarded]))
  for (const list of ['dead-lettered', 'retried'] as const) {
    expect(await find(list, at)).toMatchObject([
      { topic: 'orders', partition: '1', offset: '6', key: 'bob', attempts: [{ spanId: failed.spanId }] },
    ])
  }
})

/** How a template's own span encloses the client's span of one record, which has its context. */
function sendNested(topic: string, parts: { readonly at: number; readonly in?: TestSpan }): [TestSpan, TestSpan] {
  const template = send(topic, { ...parts, for: 6 })
  return [template, send(topic, { at: parts.at + 1, for: 4, in: template })]
}

test('a record with nested send spans is dead-lettered and retried once, at the inner span', async () => {
  const at = 12 * HOUR_MS
  const order = send('orders', { at })
  const failed = processing('orders', order, 'stock', 'link', { at: at + 50, for: 100, ...FAILED })
  const retry = sendNested('orders.retry', { at: at + 60, in: failed })
  const again = processing('orders.retry', retry[1], 'stock', 'link', { at: at + 500, for: 100, ...FAILED })
  const dead = sendNested('orders.dlq', { at: at + 510, in: again })
  await traces.put(tracesOf('shop', [order, failed, ...retry, again, ...dead]))
  const attempts = [failed, again].map(({ spanId }) => ({ spanId }))
  expect(await find('dead-lettered', at)).toMatchObject([{ spanId: dead[1].spanId, topic: 'orders', attempts }])
  expect(await find('retried', at)).toMatchObject([{ spanId: retry[1].spanId, topic: 'orders', attempts }])
})

test('nested send spans are one retry each on both sides of a page', async () => {
  const at = 13 * HOUR_MS
  const nested = Array.from({ length: 60 }, (_, index) => sendNested('orders.retry', { at: at + index * 100 }))
  // The newest moves each page's end between the two spans of a record.
  const newest = send('orders.retry', { at: at + 60_000 })
  await traces.put(tracesOf('shop', [...nested.flat(), newest]))
  const expected = [newest, ...nested.map(([, inner]) => inner).toReversed()]
  const found = await find('retried', at, { limit: 500 })
  expect(found.map(({ spanId }) => spanId)).toEqual(expected.map(({ spanId }) => spanId))
})
