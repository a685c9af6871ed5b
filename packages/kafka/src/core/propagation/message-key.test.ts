import { expect, test } from 'vitest'
import { formatKey } from './message-key.ts'

test('message keys that are text, UTF-8 or numbers are formatted, and null, binary, object or oversized keys left out', () => {
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

test('the messageKey option turns keys off or formats them, and a formatter that throws leaves the key out', () => {
  expect(formatKey('k', 't', false)).toBeUndefined()
  expect(formatKey('k', 't', (key, topic) => `${topic}:${String(key)}`)).toBe('t:k')
  expect(formatKey('k', 't', () => undefined)).toBeUndefined()
  expect(
    formatKey('k', 't', () => {
      throw new Error('formatter')
    }),
  ).toBeUndefined()
})
