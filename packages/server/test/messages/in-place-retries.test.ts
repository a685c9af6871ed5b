import type { MessageList } from '@spanlink/api-schema'
import { randomSpanId, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findMessages } from '../../src/query/messages/find-messages.ts'
import { batchOf, MS, processing, span, T0, type TestSpan } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'
import { kotelConsume, type KotelMode, kotelPublish } from './kotel-spans.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

const HOUR_MS = 3_600_000
const FAILED = { status: { code: 2, message: 'no stock' } }

async function find(list: MessageList, at: number): Promise<(readonly string[])[]> {
  const window = { start: String(T0 + BigInt(at) * MS), end: String(T0 + BigInt(at + HOUR_MS) * MS) }
  const { messages } = await findMessages(traces.store, list, window, {})
  return messages.map(({ attempts }) => attempts.map(({ spanId }) => spanId))
}

type Delivery = { readonly spans: readonly TestSpan[]; readonly attempts: readonly TestSpan[] }

/** One poll: the first attempt fails, the second is an in-place retry. */
const SHAPES: readonly (readonly [shape: string, deliver: (sent: TestSpan, at: number) => Delivery])[] = [
  ['in its batch span', deliverBatch],
  ['in its receive span', deliverReceived],
  ['in the receive span without links of the Java agent', deliverReceivedUnlinked],
  ['as children of the receive span of kotel', (sent, at) => deliverKotel(sent, at, 'child')],
  ['with links to the receive span of kotel', (sent, at) => deliverKotel(sent, at, 'LinkSpans')],
]

function deliverBatch(sent: TestSpan, at: number): Delivery {
  const [poll, batch, first] = batchOf('orders', [sent], 'stock', at) as [TestSpan, TestSpan, TestSpan]
  const second = { ...first, spanId: randomSpanId(), startTimeUnixNano: String(T0 + BigInt(at + 5) * MS) }
  const attempts = [{ ...first, ...FAILED }, second]
  return { spans: [poll, batch, ...attempts], attempts }
}

function deliverReceived(sent: TestSpan, at: number): Delivery {
  const attributes = { 'messaging.operation.type': 'receive' }
  const receive = processing('orders', sent, 'stock', 'link', { at, for: 100, attributes })
  const attempts = [{ ...retry(sent, receive, at + 1), ...FAILED }, retry(sent, receive, at + 20)]
  return { spans: [receive, ...attempts], attempts }
}

function deliverReceivedUnlinked(sent: TestSpan, at: number): Delivery {
  const { spans, attempts } = deliverReceived(sent, at)
  return { spans: spans.map((one) => (attempts.includes(one) ? one : { ...one, links: [] })), attempts }
}

function retry(sent: TestSpan, parent: TestSpan, at: number): TestSpan {
  return processing('orders', sent, 'stock', 'link', { at, for: 2, in: parent })
}

function deliverKotel(sent: TestSpan, at: number, mode: KotelMode): Delivery {
  const consumer = { topic: 'orders', group: 'stock', position: { partition: 0, offset: 4 }, mode, at }
  const { receive, process } = kotelConsume(sent, consumer, FAILED)
  const again = kotelConsume(receive, { ...consumer, at: at + 50 }).receive
  const { attributes } = process
  const second = { ...again, name: process.name, ...(attributes && { attributes }) }
  return { spans: [receive, process, second], attempts: [process, second] }
}

test.each(SHAPES.map(([shape, deliver], index) => [shape, deliver, index * 3 * HOUR_MS] as const))(
  'a message that a consumer retried %s is retried and not redelivered',
  async (_, deliver, at) => {
    const sent = kotelPublish('orders', { partition: 0, offset: 4 }, { at })
    const { spans, attempts } = deliver(sent, at + 100)
    await traces.put(tracesOf('shop', [sent, ...spans]))
    expect(await find('redelivered', at)).toEqual([])
    expect(await find('retried', at)).toEqual([attempts.map(({ spanId }) => spanId)])
  },
)

test.each(SHAPES.map(([shape, deliver], index) => [shape, deliver, (index * 3 + 1) * HOUR_MS] as const))(
  'a message that a consumer retried %s and received again is redelivered',
  async (_, deliver, at) => {
    const sent = kotelPublish('orders', { partition: 0, offset: 4 }, { at })
    const [first, second] = [deliver(sent, at + 100), deliver(sent, at + 60_000)]
    await traces.put(tracesOf('shop', [sent, ...first.spans, ...second.spans]))
    const attempts = [...first.attempts, ...second.attempts].map(({ spanId }) => spanId)
    expect(await find('redelivered', at)).toEqual([attempts])
    expect(await find('retried', at)).toEqual([attempts])
  },
)

test('a message that a job received twice is redelivered, although both process spans are its children', async () => {
  const at = 40 * HOUR_MS
  const sent = kotelPublish('orders', { partition: 0, offset: 4 }, { at })
  const job = span({ at, for: 100_000 })
  const received = [retry(sent, job, at + 100), retry(sent, job, at + 60_000)]
  await traces.put(tracesOf('shop', [sent, job, ...received]))
  expect(await find('redelivered', at)).toEqual([received.map(({ spanId }) => spanId)])
})
