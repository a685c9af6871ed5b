import type { MessageList, MessagesResponse } from '@spanlink/api-schema'
import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFlow } from '../../src/query/flows/find-flow.ts'
import { findMessages } from '../../src/query/messages/find-messages.ts'
import { MS, processing, send, T0 } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

const HOUR_MS = 3_600_000

async function find(list: MessageList, hour: number): Promise<MessagesResponse> {
  const start = T0 + BigInt(hour * HOUR_MS) * MS
  return await findMessages(traces.store, list, { start: String(start), end: String(start + BigInt(HOUR_MS) * MS) }, {})
}

const of = (cluster: string, attributes: Readonly<Record<string, string>> = {}) => ({
  'kafka.cluster.id': cluster,
  ...attributes,
})

test('a group that consumes a topic in one cluster is not missing at the same topic of another cluster', async () => {
  const east = send('orders', { at: 1, attributes: of('east') })
  const west = [2, 3].map((at) => send('orders', { at, attributes: of('west') }))
  const consumers = [
    processing('orders', east, 'billing', 'link', { at: 60, attributes: of('east') }),
    processing('orders', west[0], 'audit', 'link', { at: 60, attributes: of('west') }),
  ]
  await traces.put(tracesOf('shop', [east, ...west]))
  await traces.put(tracesOf('worker', consumers))
  const { messages } = await find('unconsumed', 0)
  expect(messages.map(({ spanId, cluster, consumerGroup }) => [spanId, cluster, consumerGroup])).toEqual([
    [west[1]?.spanId, 'west', 'audit'],
  ])
  const flow = await findFlow(traces.store, west[1]?.traceId ?? '', {}, {})
  expect(flow?.missingConsumers.map(({ cluster, consumerGroup }) => [cluster, consumerGroup])).toEqual([
    ['west', 'audit'],
  ])
})

test('the same topic, partition and offset in two clusters is not a redelivery', async () => {
  const at = HOUR_MS
  // Without a producer, cluster, topic, partition and offset identify a message.
  const partition = { 'messaging.destination.partition.id': '0' }
  const consumed = ['east', 'west', 'west'].map((cluster, index) =>
    processing('orders', undefined, 'billing', 'link', { at: at + index, attributes: of(cluster, partition) }),
  )
  await traces.put(tracesOf('billing', consumed))
  const { messages } = await find('redelivered', 1)
  expect(messages.map((message) => message.attempts.map(({ spanId }) => spanId))).toEqual([
    [consumed[1]?.spanId, consumed[2]?.spanId],
  ])
})
