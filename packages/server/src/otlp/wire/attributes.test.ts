import { expect, test } from 'vitest'
import { decodeAttributes } from './attributes.ts'

test('every kind of value comes back as it was sent', () => {
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

test('without letters all are strings, whatever they look like', () => {
  expect(decodeAttributes([['7', 'true']], '')).toEqual([{ key: '7', value: { stringValue: 'true' } }])
})

test('keys that look like numbers keep their place and their type', () => {
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

test('a value that is no JSON any more is shown as text', () => {
  expect(decodeAttributes([['a', '{']], 'a')).toEqual([{ key: 'a', value: { stringValue: '{' } }])
})
