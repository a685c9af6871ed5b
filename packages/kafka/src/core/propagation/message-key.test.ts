import { expect, test } from 'vitest'
import { formatKey } from './message-key.ts'

test('text and UTF-8 bytes are shown, everything without a canonical text is left out', () => {
  const on = (key: unknown) => formatKey(key, 't', true)
  expect(['k', '', Buffer.from('ключ'), 7, 7n].map(on)).toEqual(['k', '', 'ключ', '7', '7'])
  const textless = [
    null,
    undefined,
    Buffer.from([0xff, 0xfe]),
    '\ud800',
    { id: 1 },
    Buffer.alloc(1025),
    'x'.repeat(1025),
  ]
  expect(textless.map(on)).toEqual(textless.map(() => undefined))
})

test('a key can be off or formatted, and a formatter that fails leaves it out', () => {
  expect(formatKey('k', 't', false)).toBeUndefined()
  expect(formatKey('k', 't', (key, topic) => `${topic}:${String(key)}`)).toBe('t:k')
  expect(formatKey('k', 't', () => undefined)).toBeUndefined()
  expect(
    formatKey('k', 't', () => {
      throw new Error('formatter')
    }),
  ).toBeUndefined()
})
