import { randomBytes } from 'node:crypto'

/** Random decisions, the same ones for the same seed. */
export type Random = {
  /** A number in [from, to). */
  readonly between: (from: number, to: number) => number
  readonly integer: (from: number, to: number) => number
  readonly pick: <T>(list: readonly [T, ...T[]]) => T
  readonly isOneIn: (count: number) => boolean
}

/** Mulberry32, which is small; nothing here is secret. */
export function createRandom(seed: number): Random {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const integer = (from: number, to: number): number => from + Math.floor(next() * (to - from))
  return {
    between: (from, to) => from + next() * (to - from),
    integer,
    pick: (list) => list[integer(0, list.length)] ?? list[0],
    isOneIn: (count) => next() < 1 / count,
  }
}

/** Not from the seed: a demo that keeps its data makes new traces at each start. */
export function createId(bytes: 8 | 16): string {
  return randomBytes(bytes).toString('hex')
}
