import type { Log } from '../../log.ts'
import { sanitize } from '../../sanitize.ts'
import { ForbiddenError, UnauthenticatedError } from '../errors.ts'
import { createSignInLimit } from './sign-in-limit.ts'
import type { IdentityProvider } from './oidc.ts'
import { permits, type Role } from '../roles.ts'
import type { Session, SessionOwner, Sessions } from './sessions.ts'
import type { LiveTokens } from '../tokens/live-tokens.ts'

/** Sessions of browsers, with an audit line for each sign-in and sign-out. */
export type SignIn = {
  readonly provider?: IdentityProvider | undefined
  /** @throws UnauthenticatedError, ForbiddenError for a token that may not read, RateLimitError */
  withToken(text: string, client: string): StartedSession
  /** For a user whom the identity provider knows. */
  asUser(owner: SessionOwner & { readonly type: 'user' }, client: string): StartedSession
  /** Counts a sign-in at the provider. @throws RateLimitError */
  begin(client: string): void
  /** Audits a sign-in that the provider or this server refused. @throws RateLimitError */
  refuse(client: string, reason: string): void
  find(secret: string): Session | undefined
  end(secret: string, client: string): Session | undefined
}

export type StartedSession = { readonly secret: string; readonly expiresAt: number }

export function createSignIn(
  tokens: LiveTokens,
  sessions: Sessions,
  provider: IdentityProvider | undefined,
  log: Log,
): SignIn {
  const failures = createSignInLimit()
  const begun = createSignInLimit()
  // Limited before it is logged: anyone may send such requests.
  const refuse = (client: string, reason: string): void => {
    failures.add(client)
    log(`Sign-in refused from ${sanitize(client)}: ${sanitize(reason)}`, {
      level: 'warn',
      audit: 'sign-in-refused',
    })
  }
  const start = (owner: SessionOwner, who: string, client: string): StartedSession => {
    log(`${who} signed in from ${sanitize(client)}.`, { audit: 'sign-in' })
    return sessions.start(owner)
  }
  return {
    provider,
    withToken: (text, client) => {
      const token = tokens.find(text)
      if (token === undefined) {
        refuse(client, 'wrong token')
        throw new UnauthenticatedError('The token is wrong, expired or revoked.')
      }
      if (!mayRead(token.roles)) {
        refuse(client, `token ${token.id} may not read`)
        throw new ForbiddenError('This token may only send data. Create one with --role read.')
      }
      return start({ type: 'token', tokenId: token.id }, describeToken(token), client)
    },
    asUser: (owner, client) => start(owner, `User ${sanitize(owner.name)} (${owner.roles.join(', ')})`, client),
    begin: (client) => begun.add(client),
    refuse,
    find: (secret) => sessions.find(secret),
    end: (secret, client) => {
      const session = sessions.end(secret)
      const owner = session?.owner
      if (owner === undefined) return undefined
      const who = owner.type === 'user' ? `User ${sanitize(owner.name)}` : `Token ${owner.tokenId}`
      log(`${who} signed out from ${sanitize(client)}.`, { audit: 'sign-out' })
      return session
    },
  }
}

function mayRead(roles: readonly Role[]): boolean {
  return permits(roles, 'read')
}

function describeToken({
  id,
  name,
  roles,
}: {
  readonly id: string
  readonly name: string
  readonly roles: readonly Role[]
}): string {
  return `Token ${id} ${JSON.stringify(sanitize(name))} (${roles.join(', ')})`
}
