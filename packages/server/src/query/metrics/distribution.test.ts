import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  toExplicitBuckets,
  toExponentialBuckets,
  MergedDistribution,
  computeQuantiles,
  subtractDistribution,
} from './distribution.ts'

const values = fc.array(fc.double({ min: 0.01, max: 1000, noNaN: true }), { minLength: 1, maxLength: 60 })
const q = fc.double({ min: 0, max: 1, noNaN: true })

test('a quantile is within the bucket of the value at its rank', () => {
  const bounds = [0.1, 1, 5, 10, 50, 100, 500, 1000]
  fc.assert(
    fc.property(values, q, (list, share) => {
      const counts = [...bounds, Infinity].map(
        (upper, i) => list.filter((value) => value <= upper && value > (bounds[i - 1] ?? -Infinity)).length,
      )
      const [quantile] = computeQuantiles(toExplicitBuckets(bounds, counts), [share])
      const sorted = list.toSorted((a, b) => a - b)
      const rank = Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1)
      const upper = bounds.findIndex((bound) => (sorted[rank] as number) <= bound)
      expect(quantile).toBeGreaterThanOrEqual((bounds[upper - 1] ?? 0) - 1e-9)
      expect(quantile).toBeLessThanOrEqual((bounds[upper] as number) + 1e-9)
    }),
  )
})

test('quantiles rise with their rank', () => {
  fc.assert(
    fc.property(values, fc.tuple(q, q), fc.integer({ min: -2, max: 6 }), (list, pair, scale) => {
      const [low, high] = computeQuantiles(exponentialOf(list, scale).buckets, [Math.min(...pair), Math.max(...pair)])
      expect(high).toBeGreaterThanOrEqual(low as number)
    }),
  )
})

test('quantiles of exponential histograms, also merged ones, are within the error of their scale', () => {
  fc.assert(
    fc.property(values, values, fc.integer({ min: 0, max: 8 }), (some, others, scale) => {
      const merged = new MergedDistribution()
      merged.add(exponentialOf(some, scale), 1)
      merged.add(exponentialOf(others, scale), 1)
      const [median] = computeQuantiles(merged.buckets(), [0.5])
      const sorted = [...some, ...others].sort((a, b) => a - b)
      // With an even count, every value between the middle two is a median.
      const lower = sorted[Math.ceil(sorted.length / 2) - 1] as number
      const upper = sorted[Math.floor(sorted.length / 2)] as number
      const width = 2 ** (2 ** -scale)
      expect(median).toBeGreaterThanOrEqual((lower / width) * 0.999999)
      expect(median).toBeLessThanOrEqual(upper * width * 1.000001)
    }),
  )
})

test('subtracting an earlier distribution gives the values added since, also after a downscale', () => {
  fc.assert(
    fc.property(
      values,
      values,
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 0, max: 3 }),
      (before, added, scale, down) => {
        const later = exponentialOf([...before, ...added], scale - down)
        const difference = subtractDistribution(later, exponentialOf(before, scale))
        expect(difference?.count).toBe(added.length)
        expect(difference?.buckets.reduce((sum, bucket) => sum + bucket.count, 0)).toBe(added.length)
      },
    ),
  )
})

test('subtracting a distribution with higher counts gives undefined', () => {
  const [one, two] = [
    { lower: 0, upper: 1, count: 1 },
    { lower: 0, upper: 1, count: 2 },
  ]
  const of = (bucket: typeof one) => ({ ...unbounded, buckets: [bucket], count: bucket.count, sum: 0 })
  expect(subtractDistribution(of(one), of(two))).toBeUndefined()
  expect(subtractDistribution({ ...of(one), count: 5 }, of(two))).toBeUndefined()
})

test('quantiles without buckets are NaN', () => {
  expect(computeQuantiles([], [0.5])).toEqual([Number.NaN])
})

const unbounded = { min: -Infinity, max: Infinity }

function exponentialOf(list: readonly number[], scale: number) {
  const indexes = list.map((value) => Math.ceil(Math.log2(value) * 2 ** scale) - 1)
  const offset = Math.min(...indexes)
  const positive = Array.from({ length: Math.max(...indexes) - offset + 1 }, () => 0)
  for (const index of indexes) positive[index - offset] = (positive[index - offset] ?? 0) + 1
  const nothing = { zeroCount: 0, zeroThreshold: 0, negativeOffset: 0, negative: [] }
  const buckets = toExponentialBuckets({ scale, positiveOffset: offset, positive, ...nothing })
  return { ...unbounded, buckets, count: list.length, sum: list.reduce((sum, value) => sum + value, 0) }
}
