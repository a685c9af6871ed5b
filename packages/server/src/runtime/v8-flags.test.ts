import { expect, test } from 'vitest'
import { areKnown, FLAGS } from './v8-flags.ts'

test('V8 of this Node has the flags that the server starts itself with, and a flag that it lacks is noticed', () => {
  expect(areKnown(FLAGS)).toBe(true)
  expect(areKnown([...FLAGS, '--no-such-flag-in-any-v8'])).toBe(false)
})
