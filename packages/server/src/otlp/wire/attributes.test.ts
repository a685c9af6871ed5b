import { expect, test } from 'vitest'
import { decodeAttributes } from './attributes.ts'

test('attribute values of every type are decoded as they were sent', () => {
  const pairs = [
    ['s', 'text'],
    ['b', 'true'],
    ['i', '-9223372036854775808'],
    ['d', '0.1'],
    ['nan', 'NaN'],
    ['inf', '-Infinity'],
    ['x', 'AAH/'],
    ['a', '{"arrayValue":{"values":[{"intValue":"1"},{}]}}'],
    ['k', '{"kvlistValue":{"values":[{"key":"a","value":{"boolValue":false}}]}}'],
    ['n', ''],
  ] as const
  expect(decodeAttributes(pairs, 'sbidddxakn').map((attribute) => attribute.value)).toEqual([
    { stringValue: 'text' },
    { boolValue: true },
    { intValue: '-9223372036854775808' },
    { doubleValue: 0.1 },
    { doubleValue: 'NaN' },
    { doubleValue: '-Infinity' },
    { bytesValue: 'AAH/' },
    { arrayValue: { values: [{ intValue: '1' }, {}] } },
    { kvlistValue: { values: [{ key: 'a', value: { boolValue: false } }] } },
    {},
  ])
})

test('attribute values without type codes are strings, even if they look like numbers', () => {
  expect(decodeAttributes([['7', 'true']], '')).toEqual([{ key: '7', value: { stringValue: 'true' } }])
})

test('attributes with numeric keys keep their order and type', () => {
  expect(
    decodeAttributes(
      [
        ['b', '1'],
        ['2', 'x'],
      ],
      'is',
    ),
  ).toEqual([
    { key: 'b', value: { intValue: '1' } },
    { key: '2', value: { stringValue: 'x' } },
  ])
})

test('an array value that is no longer valid JSON is returned as text', () => {
  expect(decodeAttributes([['a', '{']], 'a')).toEqual([{ key: 'a', value: { stringValue: '{' } }])
})
