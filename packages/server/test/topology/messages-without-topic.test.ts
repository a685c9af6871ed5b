import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { processing, send, span } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'
import { findHourlyTopology, HOUR_MS, listEdges } from './hourly-topology.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

test('a RabbitMQ message over the default exchange has the queue of its routing key as topic', async () => {
  const at = 17 * HOUR_MS
  const attributes = {
    'messaging.system': 'rabbitmq',
    'messaging.destination': '',
    'messaging.rabbitmq.destination.routing_key': 'invoices',
  }
  const sent = span({ name: 'publish', kind: 4, at, for: 10, attributes })
  const consumer = span({ name: 'process', kind: 5, at: at + 60, in: sent, attributes })
  await traces.put(tracesOf('shop', [sent]))
  await traces.put(tracesOf('billing', [consumer]))
  expect(listEdges(await findHourlyTopology(traces.store, 17))).toEqual([
    ['consume', 'topic:rabbitmq::invoices', 'service:billing', 1, 0, '50000000'],
    ['produce', 'service:shop', 'topic:rabbitmq::invoices', 1, 0, undefined],
  ])
})

test.each([
  [18, 'parent'],
  [19, 'link'],
  [20, 'both'],
] as const)('a message without a topic is a call edge between its services: hour %i, %s', async (hour, mode) => {
  const at = hour * HOUR_MS
  const sent = span({ name: 'publish', kind: 4, at, for: 10, attributes: { 'messaging.system': 'rabbitmq' } })
  const consumer = processing('', sent, '', mode, { at: at + 60, for: 30, status: { code: 2 } })
  await traces.put(tracesOf('shop', [sent]))
  await traces.put(tracesOf('billing', [consumer]))
  const response = await findHourlyTopology(traces.store, hour)
  expect(listEdges(response)).toEqual([['call', 'service:shop', 'service:billing', 1, 1, undefined]])
  expect(response.edges[0]).toMatchObject({
    durationNano: { p50: '30000000' },
    failed: { traceId: consumer.traceId, spanId: consumer.spanId },
  })
})

test('a consumer without a topic has a call edge from the producer of its link', async () => {
  const at = 21 * HOUR_MS
  const sent = send('orders', { at, for: 10 })
  const named = processing('orders', sent, 'g', 'link', { at: at + 60 })
  const unnamed = processing('', sent, '', 'link', { at: at + 60 })
  await traces.put(tracesOf('shop', [sent]))
  await traces.put(tracesOf('named', [named]))
  await traces.put(tracesOf('unnamed', [unnamed]))
  expect(listEdges(await findHourlyTopology(traces.store, 21))).toEqual([
    ['call', 'service:shop', 'service:unnamed', 1, 0, undefined],
    ['consume', 'group:kafka::g', 'service:named', 1, 0, '50000000'],
    ['deliver', 'topic:kafka::orders', 'group:kafka::g', 1, 0, '50000000'],
    ['produce', 'service:shop', 'topic:kafka::orders', 1, 0, undefined],
  ])
})
