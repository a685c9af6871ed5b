/** A number in [0, 1). */
export type Random = () => number

/**
 * The same numbers for the same seed on every machine: sfc32, 128 bits of state, passes PractRand.
 */
export function seededRandom(seed: number): Random {
  let a = seed | 0
  let b = 0x9e3779b9 | 0
  let c = 0x243f6a88 | 0
  let counter = 1
  const next: Random = () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }
  // Similar seeds give similar first numbers; twelve rounds separate them.
  for (let round = 0; round < 12; round++) next()
  return next
}

/** A whole number in [0, below). */
export function randomInt(random: Random, below: number): number {
  return Math.floor(random() * below)
}

/** A random element. Throws on an empty list. */
export function pick<T>(random: Random, list: readonly T[]): T {
  const index = randomInt(random, list.length)
  const picked = list[index]
  if (picked === undefined) throw new RangeError(`nothing to pick at ${index} of ${list.length}`)
  return picked
}

/** A skewed distribution, as of real keys, users and routes: index 0 is the most common. */
export function skewedInt(random: Random, below: number): number {
  return Math.floor(random() ** 3 * below)
}
