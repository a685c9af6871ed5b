import type { MessagesQuery } from '@spanlink/api-schema'
import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFlow } from '../../src/query/flows/find-flow.ts'
import { findMessages } from '../../src/query/messages/find-messages.ts'
import { linkTo, MS, processing, send, span, T0, type TestSpan } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

/** Rows of the list: span id and group. Each test uses a separate topic. */
async function unconsumed(query: MessagesQuery): Promise<readonly string[]> {
  const window = { start: String(T0), end: String(T0 + 3_600_000n * MS) }
  const { messages, complete } = await findMessages(traces.store, 'unconsumed', { ...window, ...query }, {})
  expect(complete).toBe(true)
  return messages.map(({ spanId, consumerGroup }) => `${spanId} ${consumerGroup}`)
}

async function missingOf({ traceId }: TestSpan): Promise<readonly string[] | undefined> {
  const flow = await findFlow(traces.store, traceId, {}, {})
  return flow?.missingConsumers.map(({ producer, consumerGroup }) => `${producer.spanId} ${consumerGroup}`)
}

const at = (offset: number) => ({ 'messaging.destination.partition.id': '0', 'kafka.offset': offset })

test.each([['stored'], ['not stored']])(
  'the record of an outbox is consumed if its creation context is, which is %s',
  async (where) => {
    const topic = `outbox ${where}`
    const created = send(topic, { at: 0, attributes: { 'messaging.operation.type': 'create' } })
    const sent = send(topic, { at: 500, links: [linkTo(created)], attributes: at(1) })
    const lost = send(topic, { at: 510, links: [linkTo(created)], attributes: at(2) })
    if (where === 'stored') await traces.put(tracesOf('shop', [created]))
    await traces.put(tracesOf('relay', [sent, lost]))
    await traces.put(tracesOf('stock', [processing(topic, created, 'stock', 'link', { at: 600, attributes: at(1) })]))
    expect(await unconsumed({ topic })).toEqual([`${lost.spanId} stock`])
    expect(await unconsumed({ topic, neverConsumed: true })).toEqual([`${lost.spanId} `])
    expect(await missingOf(sent)).toEqual([`${lost.spanId} stock`])
  },
)

test('a service that Brave traces is missing for a message that another service consumed', async () => {
  const brave = (kind: number, at: number, parent?: TestSpan) =>
    span({ kind, at, ...(parent && { in: parent }), attributes: { 'kafka.topic': 'brave' } })
  const [consumed, missed] = [brave(4, 0), brave(4, 10)]
  await traces.put(tracesOf('shop', [consumed, missed]))
  await traces.put(tracesOf('stock', [brave(5, 50, consumed), brave(5, 60, missed)]))
  await traces.put(tracesOf('mail', [brave(5, 50, consumed)]))
  expect(await unconsumed({ topic: 'brave' })).toEqual([`${missed.spanId} mail`])
})

test('a send span around the send span whose context the record carries is no message', async () => {
  const [outer, lostOuter] = [send('nested', { at: 0 }), send('nested', { at: 100 })]
  const [inner, lostInner] = [
    send('nested', { at: 1, in: outer, for: 5, attributes: at(4) }),
    send('nested', { at: 101, in: lostOuter, for: 5, attributes: at(5) }),
  ]
  await traces.put(tracesOf('shop', [outer, inner, lostOuter, lostInner]))
  await traces.put(tracesOf('stock', [processing('nested', inner, 'stock', 'link', { at: 200, attributes: at(4) })]))
  expect(await unconsumed({ topic: 'nested' })).toEqual([`${lostInner.spanId} stock`])
  expect(await unconsumed({ topic: 'nested', neverConsumed: true })).toEqual([`${lostInner.spanId} `])
  expect(await missingOf(outer)).toEqual([])
  expect(await missingOf(lostOuter)).toEqual([`${lostInner.spanId} stock`])
})

test('a lost message that a create span prepares and a send span links to is missed once', async () => {
  const created = send('prepared', { at: 0, attributes: { 'messaging.operation.type': 'create' } })
  const lost = send('prepared', { at: 100, links: [linkTo(created)] })
  const known = send('prepared', { at: 200 })
  await traces.put(tracesOf('shop', [created, lost, known]))
  await traces.put(tracesOf('stock', [processing('prepared', known, 'stock', 'link', { at: 300 })]))
  expect(await unconsumed({ topic: 'prepared' })).toEqual([`${lost.spanId} stock`])
  expect(await missingOf(created)).toEqual([`${lost.spanId} stock`])
})

test('the one lost of two messages that a batch send links to is missed', async () => {
  const created = [0, 1].map((time) =>
    send('pair', { at: time, attributes: { 'messaging.operation.type': 'create' } }),
  ) as [TestSpan, TestSpan]
  const sent = send('pair', { at: 100, links: created.map((one) => linkTo(one)) })
  await traces.put(tracesOf('shop', [...created, sent]))
  await traces.put(tracesOf('stock', [processing('pair', created[0], 'stock', 'link', { at: 300 })]))
  expect(await unconsumed({ topic: 'pair' })).toEqual([`${created[1].spanId} stock`])
  expect(await missingOf(created[1])).toContain(`${created[1].spanId} stock`)
})

test('a batch whose parent is its first message consumes it although it links only to the others', async () => {
  const topic = 'first is the parent'
  const [first, second] = [send(topic, { at: 0 }), send(topic, { at: 5 })]
  const batch = processing(topic, second, 'stock', 'link', { at: 100, in: first, flags: 0x301 })
  await traces.put(tracesOf('shop', [first, second]))
  await traces.put(tracesOf('stock', [batch]))
  expect(await unconsumed({ topic })).toEqual([])
  expect(await missingOf(first)).toEqual([])
  const flow = await findFlow(traces.store, first.traceId, {}, {})
  const sources = flow?.edges.filter(({ to }) => to.spanId === batch.spanId).map(({ from }) => from.spanId)
  // The second belongs to another event.
  expect(sources).toEqual([first.spanId])
})
