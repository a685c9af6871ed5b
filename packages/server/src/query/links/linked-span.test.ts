import { expect, test } from 'vitest'
import { computeQueueTime } from './linked-span.ts'

test.each([
  ['after its acknowledgement, from the end of the send', 30n, 10n],
  ['at the very end of the send, nothing', 20n, 0n],
  ['before the acknowledgement, from the start of the send', 15n, 5n],
  ['at the start of the send, nothing', 10n, 0n],
  ['before the send began, a negative time', 7n, -3n],
])('a message consumed %s', (_, consumedAt, expected) => {
  expect(computeQueueTime({ start: 10n, end: 20n }, { start: consumedAt })).toBe(expected)
})

test('a send whose end lies before its start counts from its start', () => {
  expect(computeQueueTime({ start: 10n, end: 5n }, { start: 12n })).toBe(2n)
})

test('a receive that began before the send has waited for the message, unless it also ended before', () => {
  const sent = { start: 10n, end: 20n }
  expect(computeQueueTime(sent, { start: 5n, end: 22n, operation: 'receive' })).toBe(0n)
  expect(computeQueueTime(sent, { start: 5n, end: 22n, operation: 'process' })).toBe(-5n)
  expect(computeQueueTime(sent, { start: 5n, end: 7n, operation: 'receive' })).toBe(-5n)
  expect(computeQueueTime(sent, { start: 25n, end: 30n, operation: 'receive' })).toBe(5n)
})
