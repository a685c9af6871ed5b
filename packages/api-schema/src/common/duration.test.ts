import { expect, test } from 'vitest'
import { parseDuration, pickDurationUnit } from './duration.ts'

test.each([
  ['250us', 250_000n],
  ['250µs', 250_000n],
  ['250μs', 250_000n],
  ['1.5ms', 1_500_000n],
  ['.5s', 500_000_000n],
  ['2.s', 2_000_000_000n],
  ['1h30m', 5_400_000_000_000n],
  ['7d', 604_800_000_000_000n],
  ['1w', 604_800_000_000_000n],
  ['1y', 31_536_000_000_000_000n],
  ['0.1234567891ns', 0n],
])('the duration %s is %i ns', (text, nanos) => {
  expect(parseDuration(text)).toBe(nanos)
})

test.each(['', '5', 's', '.s', '-5ms', '1.2.3s', '1 s', '5x', '5s ', '5S'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined()
})

test('the unit of a duration is the largest that fits, up to a limit', () => {
  expect(pickDurationUnit(90 * 3600e9, 'd')[0]).toBe('d')
  expect(pickDurationUnit(90 * 3600e9, 'h')[0]).toBe('h')
  expect(pickDurationUnit(999, 's')[0]).toBe('ns')
  expect(pickDurationUnit(0.5, 's')[0]).toBe('ns')
})
