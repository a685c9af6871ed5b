import type { Principal } from './authenticator.ts'
import { RateLimitError } from './errors.ts'

/** Enforces the limits of spans and bytes per second that tokens have. */
export type IngestLimits = {
  /** @throws RateLimitError while the principal has sent more than its rate permits */
  check(principal: Principal): void
  count(principal: Principal, amounts: { readonly spans: number; readonly bytes: number }): void
}

/** Exporters send in batches: a token may send this many seconds of its rate at once. */
const BURST_SECONDS = 2

type Bucket = { left: number; at: number }

/**
 * Size and spans of a request are known when it was decoded; so a request is never cut, and the
 * next ones wait until the rate has caught up with it.
 *
 * @param now in milliseconds; must not go back
 */
export function createIngestLimits(now: () => number = () => performance.now()): IngestLimits {
  const buckets = new Map<string, Bucket>()
  const fill = (key: string, perSecond: number): Bucket => {
    const time = now()
    const full = perSecond * BURST_SECONDS
    const bucket = buckets.get(key) ?? { left: full, at: time }
    bucket.left = Math.min(full, bucket.left + ((time - bucket.at) / 1000) * perSecond)
    bucket.at = time
    buckets.set(key, bucket)
    return bucket
  }
  return {
    check: (principal) => {
      for (const { key, perSecond, unit } of limitsOf(principal)) {
        const { left } = fill(key, perSecond)
        if (left > 0) continue
        throw new RateLimitError(
          `The token may send ${perSecond} ${unit} per second. Retry later.`,
          ((1 - left) / perSecond) * 1000,
        )
      }
    },
    count: (principal, amounts) => {
      for (const { key, perSecond, unit } of limitsOf(principal)) fill(key, perSecond).left -= amounts[unit]
    },
  }
}

type Limit = { readonly key: string; readonly perSecond: number; readonly unit: 'spans' | 'bytes' }

function limitsOf({ id, limits }: Principal): readonly Limit[] {
  const { spansPerSecond, bytesPerSecond } = limits
  return [
    ...(spansPerSecond === undefined
      ? []
      : [{ key: `${id} spans`, perSecond: spansPerSecond, unit: 'spans' as const }]),
    ...(bytesPerSecond === undefined
      ? []
      : [{ key: `${id} bytes`, perSecond: bytesPerSecond, unit: 'bytes' as const }]),
  ]
}
