import { RateLimitError } from '../errors.ts'

const WINDOW_MS = 60_000
const MAX_SIGN_INS = 30
/** An attacker with many addresses must not fill the memory. */
const MAX_CLIENTS = 10_000

/**
 * Limits sign-ins per client address: failed ones, and those started at the identity provider. A
 * valid token is always accepted: otherwise one client could block others that share its address.
 */
export type SignInLimit = {
  /** @throws RateLimitError after 30 in a minute */
  add(client: string): void
}

/** @param now in milliseconds; must not go back */
export function createSignInLimit(now: () => number = () => performance.now()): SignInLimit {
  const counts = new Map<string, { count: number; readonly since: number }>()
  return {
    add: (client) => {
      const known = counts.get(client)
      const isRecent = known !== undefined && now() - known.since < WINDOW_MS
      if (!isRecent) {
        counts.delete(client)
        const [oldest] = counts.keys()
        if (counts.size >= MAX_CLIENTS && oldest !== undefined) counts.delete(oldest)
        counts.set(client, { count: 1, since: now() })
        return
      }
      known.count++
      if (known.count <= MAX_SIGN_INS) return
      throw new RateLimitError('Too many sign-ins from this address. Retry later.', known.since + WINDOW_MS - now())
    },
  }
}
