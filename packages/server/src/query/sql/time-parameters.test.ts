import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InvalidParameterError } from './invalid-parameter.ts'
import { MAX_UINT64, parseDuration, parseUnixNano } from './time-parameters.ts'

test('a duration above 292 years is clamped to the maximum that ClickHouse compares', () => {
  expect(parseDuration('minDuration', `${'9'.repeat(60)}h`)).toBe(2n ** 63n - 1n)
})

test.each([`${'9'.repeat(15_000)}h`, `0.${'1'.repeat(15_000)}s`, '9'.repeat(15_000)])(
  'a duration of thousands of digits is rejected',
  (text) => {
    expect(() => parseDuration('minDuration', text)).toThrow(InvalidParameterError)
  },
)

test('any whole number of nanoseconds is parsed exactly in ns and in s', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n }), (nanos) => {
      const digits = nanos.toString().padStart(10, '0')
      expect(parseDuration('minDuration', `${nanos}ns`)).toBe(nanos)
      expect(parseDuration('minDuration', `${digits.slice(0, -9)}.${digits.slice(-9)}s`)).toBe(nanos)
    }),
  )
})

test('a time outside of fixed64 is rejected, and the error names the parameter', () => {
  expect(parseUnixNano('end', String(MAX_UINT64))).toBe(MAX_UINT64)
  expect(() => parseUnixNano('end', String(MAX_UINT64 + 1n))).toThrow(InvalidParameterError)
  expect(() => parseUnixNano('end', '-1')).toThrow(/end/)
})
