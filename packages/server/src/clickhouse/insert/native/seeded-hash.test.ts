import { expect, test } from 'vitest'
import { mixHash, finishHash } from './seeded-hash.ts'

const hashOf = (words: readonly number[]): number => finishHash(words.reduce((hash, word) => mixHash(hash ^ word), 0))

test('keys that differ in upper bits, compensated by the next word, have different hashes', () => {
  // FNV-1a with a shift gives both choices at each position the same hash: 2^10 keys collide
  // for every seed.
  const keys = Array.from({ length: 1024 }, (_, bits) =>
    Array.from({ length: 10 }, (_, position) =>
      bits & (1 << position) ? [2 ** 31 + position, 2 ** 31 + 2 ** 16] : [position, 0],
    ),
  )
  const hashes = new Set(keys.map((key) => hashOf(key.flat())))
  expect(hashes.size).toBeGreaterThan(1000)
})

test('consecutive numbers are spread evenly over hash slots', () => {
  const slots = new Set(Array.from({ length: 4096 }, (_, i) => hashOf([i, 7, 1]) & 0x1fff))
  expect(slots.size).toBeGreaterThan(2500)
})
