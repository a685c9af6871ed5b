/**
 * Sixteen buckets of equal width per power of two: a midpoint is at most 3.1 % off. Bucket 0 is a
 * duration of 0; bucket n starts at (16 + (n - 1) % 16) / 16 · 2^⌊(n - 1) / 16⌋ ns.
 */
const BUCKET_BITS = 4
const BUCKETS_PER_OCTAVE = 2 ** BUCKET_BITS

/** A Float64 has 52 fraction bits, 20 of them in the upper word, and an exponent bias of 1023. */
const SHIFT = 20 - BUCKET_BITS
const EXPONENT_OF_1 = 1023 * BUCKETS_PER_OCTAVE

const float = new Float64Array(1)
const words = new Uint32Array(float.buffer)
/** Index of a Float64's upper word; all supported machines are little-endian. */
const UPPER = 1

/** @param nanoseconds 0 or more, below 2^63 */
export function toDurationBucket(nanoseconds: number): number {
  if (nanoseconds < 1) return 0
  float[0] = nanoseconds
  return ((words[UPPER] as number) >>> SHIFT) - EXPONENT_OF_1 + 1
}

/** SQL for the same. */
export function toDurationBucketSql(nanoseconds: string): string {
  const upper = `bitShiftRight(reinterpretAsUInt64(toFloat64(${nanoseconds})), ${32 + SHIFT})`
  return `if(${nanoseconds} < 1, toUInt16(0), toUInt16(${upper} - ${EXPONENT_OF_1 - 1}))`
}

/** Nanoseconds at the midpoint of the bucket. */
export function computeBucketMidpoint(bucket: number): number {
  if (bucket === 0) return 0
  const octave = Math.floor((bucket - 1) / BUCKETS_PER_OCTAVE)
  const part = BUCKETS_PER_OCTAVE + ((bucket - 1) % BUCKETS_PER_OCTAVE)
  return Math.floor(((part + 0.5) / BUCKETS_PER_OCTAVE) * 2 ** octave)
}
