/** Number of values in (lower, upper]; equal bounds: number of values equal to them. */
export type Bucket = { readonly lower: number; readonly upper: number; readonly count: number }

/** Counts by bucket, the sum (NaN if not sent), minimum and maximum (infinite if not sent). */
export type Distribution = {
  readonly buckets: readonly Bucket[]
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

/** Clamps bucket bounds to `min` and `max`, so that no quantile is outside the measured range. */
export function clampBuckets({ buckets, min, max, ...rest }: Distribution): Distribution {
  if (min === -Infinity && max === Infinity) return { buckets, min, max, ...rest }
  const clamp = (bound: number): number => Math.max(min, Math.min(max, bound))
  const clamped = buckets.map(({ lower, upper, count }) => ({ lower: clamp(lower), upper: clamp(upper), count }))
  return { buckets: clamped, min, max, ...rest }
}

/** Buckets of an explicit histogram: (-inf, b0], (b0, b1], ... (bn, +inf). */
export function toExplicitBuckets(bounds: readonly number[], counts: readonly number[]): Bucket[] {
  return counts.map((count, i) => ({ lower: bounds[i - 1] ?? -Infinity, upper: bounds[i] ?? Infinity, count }))
}

export type ExponentialFields = {
  readonly scale: number
  readonly zeroCount: number
  readonly zeroThreshold: number
  readonly positiveOffset: number
  readonly positive: readonly number[]
  readonly negativeOffset: number
  readonly negative: readonly number[]
}

/**
 * Bucket i holds (base^(offset+i), base^(offset+i+1)] with base 2^(2^-scale), the negative ones
 * mirrored.
 */
export function toExponentialBuckets(fields: ExponentialFields): Bucket[] {
  const edge = (index: number): number => 2 ** (index * 2 ** -fields.scale)
  const { zeroThreshold, zeroCount, negativeOffset, positiveOffset } = fields
  const buckets = [
    ...fields.negative.map((count, i) => ({
      lower: -edge(negativeOffset + i + 1),
      upper: -edge(negativeOffset + i),
      count,
    })),
    { lower: -zeroThreshold, upper: zeroThreshold, count: zeroCount },
    ...fields.positive.map((count, i) => ({
      lower: edge(positiveOffset + i),
      upper: edge(positiveOffset + i + 1),
      count,
    })),
  ]
  return buckets.filter(({ count }) => count > 0)
}

/**
 * Computes `later - earlier`; undefined if a bucket shrank or the buckets differ. A finer bucket of
 * an exponential histogram that was downscaled since is subtracted from the coarser one.
 */
export function subtractDistribution(later: Distribution, earlier: Distribution): Distribution | undefined {
  if (later.count < earlier.count) return undefined
  const buckets: Bucket[] = later.buckets.map((bucket) => ({ ...bucket }))
  for (const [index, old] of earlier.buckets.entries()) {
    if (old.count === 0) continue
    const same = buckets[index]
    const at =
      same?.lower === old.lower && same.upper === old.upper
        ? index
        : buckets.findIndex((bucket) => contains(bucket, old))
    const bucket = buckets[at]
    if (bucket === undefined || bucket.count < old.count) return undefined
    buckets[at] = { ...bucket, count: bucket.count - old.count }
  }
  // Cumulative minimum and maximum cover all values since the start, so they bound these too.
  return { ...later, buckets, count: later.count - earlier.count, sum: later.sum - earlier.sum }
}

/** Bounds computed at two scales differ by rounding. */
const ROUNDING = 1e-9

function contains(outer: Bucket, inner: Bucket): boolean {
  return isAtMost(outer.lower, inner.lower) && isAtMost(inner.upper, outer.upper)
}

function isAtMost(a: number, b: number): boolean {
  return a <= b || a - b <= ROUNDING * Math.abs(a)
}

/** A sum of distributions with any buckets. */
export class MergedDistribution {
  readonly #buckets = new Map<string, { lower: number; upper: number; count: number }>()
  count = 0
  sum = 0

  add(distribution: Distribution, share: number): void {
    this.count += distribution.count * share
    this.sum += distribution.sum * share
    for (const { lower, upper, count } of distribution.buckets) {
      if (count === 0) continue
      const key = `${lower} ${upper}`
      const known = this.#buckets.get(key)
      if (known === undefined) this.#buckets.set(key, { lower, upper, count: count * share })
      else known.count += count * share
    }
  }

  buckets(): readonly Bucket[] {
    return [...this.#buckets.values()]
  }
}

/**
 * Computes quantiles, with values distributed evenly within each bucket. As in Prometheus, an
 * unbounded bucket counts at its finite bound, and a bucket without a lower bound starts at 0 if
 * its upper bound is positive. NaN without values.
 */
export function computeQuantiles(buckets: readonly Bucket[], qs: readonly number[]): number[] {
  const finite = buckets.filter((bucket) => bucket.count > 0).map(toFiniteBucket)
  const total = finite.reduce((sum, bucket) => sum + bucket.count, 0)
  if (total === 0) return qs.map(() => Number.NaN)
  const edges = [...new Set(finite.flatMap((bucket) => [bucket.lower, bucket.upper]))].sort((a, b) => a - b)
  // Number of values exactly at an edge, and change of the density at an edge.
  const at = new Map(edges.map((edge) => [edge, 0]))
  const density = new Map(edges.map((edge) => [edge, 0]))
  for (const { lower, upper, count } of finite) {
    if (lower === upper) at.set(lower, (at.get(lower) ?? 0) + count)
    else {
      const each = count / (upper - lower)
      density.set(lower, (density.get(lower) ?? 0) + each)
      density.set(upper, (density.get(upper) ?? 0) - each)
    }
  }
  return qs.map((q) => {
    const wanted = q * total
    let below = 0
    let slope = 0
    let previous = edges[0] ?? 0
    for (const edge of edges) {
      const between = slope * (edge - previous)
      if (between > 0 && below + between >= wanted) return previous + Math.max(0, wanted - below) / slope
      below += between + (at.get(edge) ?? 0)
      if ((at.get(edge) ?? 0) > 0 && below >= wanted) return edge
      slope = Math.max(0, slope + (density.get(edge) ?? 0))
      previous = edge
    }
    return previous
  })
}

function toFiniteBucket({ lower, upper, count }: Bucket): Bucket {
  if (lower === -Infinity && upper === Infinity) return { lower: 0, upper: 0, count }
  if (lower === -Infinity) return { lower: upper > 0 ? 0 : upper, upper, count }
  return { lower, upper: upper === Infinity ? lower : upper, count }
}
