import { afterEach, expect, test } from 'vitest'
import { columnBytes } from './column-bytes.ts'

const native = Object.getOwnPropertyDescriptor(Uint8Array, 'fromBase64')

afterEach(() => {
  if (native === undefined) Reflect.deleteProperty(Uint8Array, 'fromBase64')
  else Object.defineProperty(Uint8Array, 'fromBase64', native)
})

const numbers = Float64Array.of(0, -1, 2 ** 53, 0.5, 1_760_000_000_000)
const column = Buffer.from(numbers.buffer).toString('base64')

test('a base64 column is decoded to the numbers sent, with and without Uint8Array.fromBase64', () => {
  Object.defineProperty(Uint8Array, 'fromBase64', {
    value: (text: string) => Uint8Array.from(Buffer.from(text, 'base64')),
    configurable: true,
  })
  expect(new Float64Array(columnBytes(column))).toEqual(numbers)
  Reflect.deleteProperty(Uint8Array, 'fromBase64')
  expect(new Float64Array(columnBytes(column))).toEqual(numbers)
  expect(columnBytes('').byteLength).toBe(0)
})
