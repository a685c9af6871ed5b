import { expect, test } from 'vitest'
import { computeQueueTime } from './linked-span.ts'

test.each([
  ['after the end of the send counts from that end', 30n, 10n],
  ['at the end of the send is zero', 20n, 0n],
  ['before the end of the send counts from the start of the send', 15n, 5n],
  ['at the start of the send is zero', 10n, 0n],
  ['before the start of the send is negative', 7n, -3n],
])('the queue time of a message consumed %s', (_, consumedAt, expected) => {
  expect(computeQueueTime({ start: 10n, end: 20n }, { start: consumedAt })).toBe(expected)
})

test('the queue time counts from the start of a send that ends before its start', () => {
  expect(computeQueueTime({ start: 10n, end: 5n }, { start: 12n })).toBe(2n)
})

test('the queue time is 0 for a receive that started before the send and ended after it', () => {
  const sent = { start: 10n, end: 20n }
  expect(computeQueueTime(sent, { start: 5n, end: 22n, operation: 'receive' })).toBe(0n)
  expect(computeQueueTime(sent, { start: 5n, end: 22n, operation: 'process' })).toBe(-5n)
  expect(computeQueueTime(sent, { start: 5n, end: 7n, operation: 'receive' })).toBe(-5n)
  expect(computeQueueTime(sent, { start: 25n, end: 30n, operation: 'receive' })).toBe(5n)
})
