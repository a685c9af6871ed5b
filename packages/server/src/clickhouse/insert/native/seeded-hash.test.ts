import { expect, test } from 'vitest'
import { mixHash, finishHash } from './seeded-hash.ts'

const hashOf = (words: readonly number[]): number => finishHash(words.reduce((hash, word) => mixHash(hash ^ word), 0))

test('words that differ in their upper bits, and the next ones in what that became, have hashes of their own', () => {
  // Under FNV-1a with a shift the two choices at each place are one: 2^10 keys would have one hash,
  // whatever the start.
  const keys = Array.from({ length: 1024 }, (_, bits) =>
    Array.from({ length: 10 }, (_, place) => (bits & (1 << place) ? [2 ** 31 + place, 2 ** 31 + 2 ** 16] : [place, 0])),
  )
  const hashes = new Set(keys.map((key) => hashOf(key.flat())))
  expect(hashes.size).toBeGreaterThan(1000)
})

test('numbers one after the other fill the slots evenly', () => {
  const slots = new Set(Array.from({ length: 4096 }, (_, i) => hashOf([i, 7, 1]) & 0x1fff))
  expect(slots.size).toBeGreaterThan(2500)
})
