import type { FlowResponse } from '@spanlink/api-schema'
import { expect, test } from 'vitest'
import { formatMissingConsumers, formatRetries } from './waits.ts'

test('missing consumers are listed by topic and group, the longest wait first, with the oldest message', () => {
  const missing = (group: string, seconds: number) => ({
    cluster: '',
    topic: 'orders',
    partition: '0',
    offset: String(seconds),
    consumerGroup: group,
    producer: { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), laneId: 'a' },
    waitNano: `${seconds}000000000`,
  })
  const missingConsumers = [missing('mail', 5), missing('stock', 30), missing('mail', 20)]
  expect(formatMissingConsumers({ missingConsumers } as unknown as FlowResponse).slice(1)).toEqual([
    `  topic "orders" not consumed by group "stock": 1 message, waiting for 30 s, partition 0 offset 30, sent by trace ${'ab'.repeat(16)} span ${'cd'.repeat(8)}`,
    `  topic "orders" not consumed by group "mail": 2 messages, the oldest waiting for 20 s, partition 0 offset 20, sent by trace ${'ab'.repeat(16)} span ${'cd'.repeat(8)}`,
  ])
})

test.each([
  ['orders-retry-0', 'retry'],
  ['orders.retries', 'retry'],
  ['Orders.DLQ', 'dead-letter'],
  ['orders-dead-letters', 'dead-letter'],
])('%s is a %s topic', (topic, kind) => {
  const edge = { role: 'message', topic, to: { laneId: 'b' }, consumerGroup: '', offset: '' }
  expect(formatRetries({ edges: [edge] } as unknown as FlowResponse)).toEqual([
    'Retries and redeliveries:',
    `  1 message over ${kind} topic "${topic}"`,
  ])
})

test.each(['orders', 'retryable', 'poultry', 'adlqs'])('%s is neither a retry nor a dead-letter topic', (topic) => {
  const edge = { role: 'message', topic, to: { laneId: 'b' }, consumerGroup: '', offset: '' }
  expect(formatRetries({ edges: [edge] } as unknown as FlowResponse)).toEqual([])
})
