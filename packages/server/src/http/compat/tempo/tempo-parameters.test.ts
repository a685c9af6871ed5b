import { expect, test } from 'vitest'
import { parseTempoWindow } from './tempo-parameters.ts'

test('a Tempo window without an end ends in a day, or at the maximum time if it starts later', () => {
  const dayAhead = BigInt(Date.now() + 86_400_000) * 1_000_000n
  const { end } = parseTempoWindow({})
  expect(end).toBeGreaterThanOrEqual(dayAhead)
  expect(end).toBeLessThan(2n * dayAhead)
  expect(parseTempoWindow({ start: '9999999999' }).end).toBe(2n ** 64n - 1n)
})
