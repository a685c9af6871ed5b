import { expect, test } from 'vitest'
import { response, span } from '../../../test/spans.ts'
import { computeParentQueueTime } from './parent-queue-time.ts'
import { buildTraceModel } from './trace-model.ts'

const waitOf = (at: number, kind: 'consumer' | 'internal' = 'consumer') => {
  const model = buildTraceModel(
    response([
      span(1, { for: 100 }),
      span(2, { parent: 1, at: 10, for: 20, kind: 'producer' }),
      span(3, { parent: 2, at, for: 5, kind }),
    ]),
  )
  return computeParentQueueTime(model, model.positionById.get('3'.padStart(16, '0')) ?? -1)
}

test('the queue time of a child consumer counts from the end of the send', () => {
  expect(waitOf(50)).toBe(20e6)
})

test('the queue time counts from the start of the send when the consumer starts before its end', () => {
  expect(waitOf(14)).toBe(4e6)
})

test('the queue time is negative when the consumer starts before the send', () => {
  expect(waitOf(7)).toBe(-3e6)
})

test('a span that is not a consumer has no queue time', () => {
  expect(waitOf(50, 'internal')).toBeUndefined()
})
