import { expect, test } from 'vitest'
import { areFlagsSupported, V8_FLAGS } from './v8-flags.ts'

test('V8 of this Node has the flags that the server starts itself with, and a flag that it lacks is noticed', () => {
  expect(areFlagsSupported(V8_FLAGS)).toBe(true)
  expect(areFlagsSupported([...V8_FLAGS, '--no-such-flag-in-any-v8'])).toBe(false)
})
