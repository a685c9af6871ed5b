import { expect, test } from 'vitest'
import { createCursorCodec, InvalidCursorError } from './cursor.ts'
import { MAX_UINT64 } from './time-parameters.ts'

const codec = createCursorCodec('test1', {
  direction: 'direction',
  time: 'uint64',
  traceId: 'traceId',
  offset: 'count',
})
const position = { direction: 'out', time: MAX_UINT64, traceId: 'ab'.repeat(16), offset: 7 } as const

test('a cursor decodes to the position that it was encoded from', () => {
  expect(codec.encode(position)).toBe(`test1.out.18446744073709551615.${'ab'.repeat(16)}.7`)
  expect(codec.decode(codec.encode(position))).toEqual(position)
})

test.each([
  ['', 'no text'],
  ['test1', 'no fields'],
  [`test2.out.1.${'ab'.repeat(16)}.7`, 'another version'],
  [`test1.up.1.${'ab'.repeat(16)}.7`, 'a direction that does not exist'],
  [`test1.out.18446744073709551616.${'ab'.repeat(16)}.7`, 'a time above 2^64 - 1'],
  [`test1.out.-1.${'ab'.repeat(16)}.7`, 'a negative time'],
  [`test1.out.1.${'AB'.repeat(16)}.7`, 'upper-case digits'],
  [`test1.out.1.${'ab'.repeat(16)}.1e9`, 'an exponent'],
  [`test1.out.1.${'ab'.repeat(16)}.7.7`, 'one field too many'],
  [`test1.out.1.${'ab'.repeat(16)}.7\n`, 'a line break at the end'],
])('the cursor %j, %s, is invalid', (text) => {
  expect(() => codec.decode(text)).toThrow(InvalidCursorError)
})
