import { expect, test } from 'vitest'
import { idIndex } from './id-index.ts'

const COUNT = 200
const idOf = (i: number): string => (i * 0x1_0001).toString(16).padStart(16, '0')
const ids = Array.from({ length: COUNT }, (_, i) => idOf(i)).join('')
const positions = Int32Array.from({ length: COUNT }, (_, i) => COUNT - 1 - i)

test('an id index returns the same positions for early and for later lookups', () => {
  const index = idIndex(ids, positions)
  for (let turn = 0; turn < 2; turn += 1)
    for (let i = 0; i < COUNT; i += 1) expect(index.get(idOf(i))).toBe(COUNT - 1 - i)
})

test('an id index finds no part of an id and no digits across two ids', () => {
  const index = idIndex('00000000000000010000000000000002', Int32Array.of(0, 1))
  expect(index.get('0000000000000100')).toBeUndefined()
  expect(index.get('0000000000000010')).toBeUndefined()
  expect(index.has('00000001')).toBe(false)
  expect(index.has('')).toBe(false)
  expect(index.has('0000000000000002')).toBe(true)
})

test('an id index finds the outer of two spans with one id, and the inner one by the id with ~', () => {
  const [a, b] = [idOf(1), idOf(2)]
  const index = idIndex(a + b + a, Int32Array.of(2, 0, 1))
  for (let turn = 0; turn < 70; turn += 1)
    expect([index.get(a), index.get(`${a}~`), index.get(b), index.get(`${b}~`)]).toEqual([1, 2, 0, undefined])
})
