import { hash, randomBytes } from 'node:crypto'
import type { Role } from '../roles.ts'

/** Who signed in: with a token, or as a user of an identity provider. */
export type SessionOwner =
  | { readonly type: 'token'; readonly tokenId: string }
  | {
      readonly type: 'user'
      readonly subject: string
      readonly name: string
      readonly roles: readonly Role[]
      /** For the provider's sign-out. */
      readonly idToken?: string | undefined
    }

export type Session = { readonly owner: SessionOwner; readonly expiresAt: number }

/**
 * Sessions of browsers, in memory: a restart ends them. Keys are hashes, so that a dump of the
 * memory has no cookies.
 */
export type Sessions = {
  /** @returns the secret for the cookie */
  start(owner: SessionOwner): { readonly secret: string; readonly expiresAt: number }
  find(secret: string): Session | undefined
  end(secret: string): Session | undefined
}

/** More than enough for a company; the oldest session ends when one more begins. */
const MAX_SESSIONS = 10_000
const SECRET = /^[A-Za-z0-9_-]{43}$/

/** @param now in milliseconds since 1970 */
export function createSessions(durationMs: number, now: () => number = Date.now): Sessions {
  const sessions = new Map<string, Session>()
  const find = (secret: string): Session | undefined => {
    if (!SECRET.test(secret)) return undefined
    const key = toKey(secret)
    const session = sessions.get(key)
    if (session !== undefined && session.expiresAt <= now()) {
      sessions.delete(key)
      return undefined
    }
    return session
  }
  return {
    start: (owner) => {
      const [oldest] = sessions.keys()
      if (sessions.size >= MAX_SESSIONS && oldest !== undefined) sessions.delete(oldest)
      const secret = randomBytes(32).toString('base64url')
      const expiresAt = now() + durationMs
      sessions.set(toKey(secret), { owner, expiresAt })
      return { secret, expiresAt }
    },
    find,
    end: (secret) => {
      const session = find(secret)
      sessions.delete(toKey(secret))
      return session
    },
  }
}

function toKey(secret: string): string {
  return hash('sha256', secret, 'base64url')
}
