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

test('a group that reads a topic in one cluster is not missed at the topic of the same name in another', async () => {
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

test('the same offset of a topic of one name in two clusters is not a redelivery', async () => {
  const at = HOUR_MS
  // Without their producers, what makes two spans one message is where it is stored.
  const place = { 'messaging.destination.partition.id': '0' }
  const taken = ['east', 'west', 'west'].map((cluster, index) =>
    processing('orders', undefined, 'billing', 'link', { at: at + index, attributes: of(cluster, place) }),
  )
  await traces.put(tracesOf('billing', taken))
  const { messages } = await find('redelivered', 1)
  expect(messages.map((message) => message.attempts.map(({ spanId }) => spanId))).toEqual([
    [taken[1]?.spanId, taken[2]?.spanId],
  ])
})
