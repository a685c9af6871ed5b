import { expect, test } from 'vitest'
import { areFlagsSupported, V8_FLAGS } from './v8-flags.ts'

test('V8 supports the flags that the server sets, and an unsupported flag is detected', () => {
  expect(areFlagsSupported(V8_FLAGS)).toBe(true)
  expect(areFlagsSupported([...V8_FLAGS, '--no-such-flag-in-any-v8'])).toBe(false)
})
