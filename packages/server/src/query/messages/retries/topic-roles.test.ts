import { expect, test } from 'vitest'
import { isRetryOrDeadLetterTopic } from './topic-roles.ts'

test.each([
  'orders-retry',
  'orders-retry-0',
  'orders.retry.5m',
  'orders_retry_5000',
  'orders-retry5',
  'retry-orders',
  '__group-RETRIES',
  'orders.dlq',
  'orders-dlt',
  'orders.DLT.0',
  'dlx.orders',
  'dead-letter-orders',
  'OrdersDeadLetterQueue',
  'orders_dead_letters',
])('the topic %s is a retry or dead letter topic', (topic) => {
  expect(isRetryOrDeadLetterTopic(topic)).toBe(true)
})

test.each(['orders', 'retryable-orders', 'adltracker', 'deadlines', 'country', ''])(
  'the topic "%s" is neither a retry nor a dead letter topic',
  (topic) => {
    expect(isRetryOrDeadLetterTopic(topic)).toBe(false)
  },
)
