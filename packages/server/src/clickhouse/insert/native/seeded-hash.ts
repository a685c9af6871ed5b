import { randomInt } from 'node:crypto'

/** Odd and random per process: prevents keys that are crafted to collide. */
const SECRET = randomInt(2 ** 31) | 1

/**
 * One step of a hash over 32-bit words: `hash = mixHash(hash ^ word)`. With a known factor alone, a
 * difference in the upper bits would stay there, and the next word could cancel it.
 */
export function mixHash(word: number): number {
  const hash = Math.imul(word, 0x01000193)
  return Math.imul(hash ^ (hash >>> 15), SECRET)
}

/** The last step mixes upper bits into the lower ones, which choose the slot. */
export function finishHash(hash: number): number {
  return hash ^ (hash >>> 15)
}
