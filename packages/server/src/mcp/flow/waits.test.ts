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
  ['Orders.DLQ', 'dead-letter'],
])('messages over the topic %s are listed as %s', (topic, kind) => {
  const edge = { role: 'message', topic, to: { laneId: 'b' }, consumerGroup: '', offset: '' }
  expect(formatRetries({ edges: [edge, { ...edge, topic: 'orders' }] } as unknown as FlowResponse)).toEqual([
    'Retries and redeliveries:',
    `  1 message over ${kind} topic "${topic}"`,
  ])
})

test('a message that a group processed twice is listed with its offset', () => {
  const from = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) }
  const edge = {
    role: 'message',
    topic: 'orders',
    partition: '1',
    offset: '7',
    consumerGroup: 'mail',
    from,
    to: { laneId: 'b' },
  }
  const edges = [edge, edge, { ...edge, consumerGroup: 'stock' }]
  expect(formatRetries({ edges } as unknown as FlowResponse).slice(1)).toEqual([
    '  topic "orders" partition 1 offset 7 processed 2 times by group "mail"',
  ])
})
