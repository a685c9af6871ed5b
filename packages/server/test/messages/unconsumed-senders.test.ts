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
