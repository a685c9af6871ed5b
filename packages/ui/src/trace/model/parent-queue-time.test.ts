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

test('a consumer below its producer waited since the end of the send', () => {
  expect(waitOf(50)).toBe(20e6)
})

test('a consumer that began before the acknowledgement waited since the start of the send', () => {
  expect(waitOf(14)).toBe(4e6)
})

test('a wait is negative where the consumer began before the send did', () => {
  expect(waitOf(7)).toBe(-3e6)
})

test('a span that consumes nothing waited for nothing', () => {
  expect(waitOf(50, 'internal')).toBeUndefined()
})
