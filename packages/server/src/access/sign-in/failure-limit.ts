import { RateLimitError } from '../errors.ts'

const WINDOW_MS = 60_000
const MAX_FAILURES = 30
/** An attacker with many addresses must not fill the memory. */
const MAX_CLIENTS = 10_000

/**
 * Limits sign-ins per client address: failed ones, and those begun at the identity provider. Valid
 * tokens pass at any time, so that nobody can lock out others behind the same address.
 */
export type FailureLimit = {
  /** @throws RateLimitError after 30 in a minute */
  add(client: string): void
}

/** @param now in milliseconds; must not go back */
export function createFailureLimit(now: () => number = () => performance.now()): FailureLimit {
  const failures = new Map<string, { count: number; readonly since: number }>()
  return {
    add: (client) => {
      const known = failures.get(client)
      const isRecent = known !== undefined && now() - known.since < WINDOW_MS
      if (!isRecent) {
        failures.delete(client)
        const [oldest] = failures.keys()
        if (failures.size >= MAX_CLIENTS && oldest !== undefined) failures.delete(oldest)
        failures.set(client, { count: 1, since: now() })
        return
      }
      known.count++
      if (known.count <= MAX_FAILURES) return
      throw new RateLimitError('Too many sign-ins from this address. Retry later.', known.since + WINDOW_MS - now())
    },
  }
}
