import fc from 'fast-check'
import { expect, test } from 'vitest'
import { int64, readInteger, readNumber, toSigned } from './numbers.ts'
import { JsonReader } from './reader.ts'

const digits = fc.oneof(
  fc.bigInt(-(2n ** 66n), 2n ** 66n).map(String),
  fc.stringMatching(/^-?\d{1,25}$/),
  fc.constantFrom('0', '-0', '18446744073709551615', '18446744073709551616', '-9223372036854775808', '999999999999999'),
)

test('an integer in a JSON string is read exactly, and rejected beyond 64 bits', () => {
  fc.assert(
    fc.property(digits, (text) => {
      const json = new JsonReader(Buffer.from(`"${text}"`))
      const value = BigInt(text)
      const fits = value > -(2n ** 64n) && value < 2n ** 64n
      expect(readInteger(json) ? valueOf(int64) : 'too long').toBe(fits ? value : 'too long')
    }),
    { numRuns: 2000 },
  )
})

test("a signed integer is read as its two's complement bits, and rejected when out of range", () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 64n) + 1n, 2n ** 64n - 1n), (value) => {
      readInteger(new JsonReader(Buffer.from(String(value))))
      const fits = value >= -(2n ** 63n) && value < 2n ** 63n
      expect(toSigned() ? bitsOf(int64) : 'too long').toBe(fits ? BigInt.asUintN(64, value) : 'too long')
    }),
    { numRuns: 2000 },
  )
})

const numberText = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.integer().map(String),
  fc.stringMatching(/^-?\d{0,20}(\.\d{0,20})?([eE][+-]?\d{0,3})?$/),
  fc.stringMatching(/^[-+.eE\d]{1,8}$/),
)

test('a number is read as by JSON.parse, and rejected where that throws', () => {
  fc.assert(
    fc.property(numberText, (text) => {
      expect(readWhole(text)).toEqual(parsed(text))
    }),
    { numRuns: 5000 },
  )
})

function readWhole(text: string): number | 'invalid' {
  const json = new JsonReader(Buffer.from(text))
  try {
    const value = readNumber(json)
    return json.pos === text.length ? value : 'invalid'
  } catch {
    return 'invalid'
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return 'invalid'
  }
}

function bitsOf({ low, high }: typeof int64): bigint {
  return (BigInt(high) << 32n) | BigInt(low)
}

function valueOf(value: typeof int64): bigint {
  return value.isNegative ? -bitsOf(value) : bitsOf(value)
}
