import { randomBytes } from 'node:crypto'
import type { Configuration } from 'openid-client'
import { ForbiddenError, UnauthenticatedError } from '../errors.ts'
import { isLoopback } from '../host-guard.ts'
import type { Role } from '../roles.ts'
import type { SessionOwner } from './sessions.ts'

/** An OpenID Connect provider, and how its claims map to roles. */
export type OidcOptions = {
  readonly issuer: URL
  readonly clientId: string
  /** @default a public client with PKCE */
  readonly clientSecret?: string | undefined
  /** Space-separated. @default 'openid profile email' */
  readonly scopes?: string | undefined
  /** Claim with the values of `roles`: a string or a list. @default 'groups' */
  readonly rolesClaim?: string | undefined
  /** Role by value of the claim; `*` is every user. */
  readonly roles: ReadonlyMap<string, Role>
}

export type IdentityProvider = {
  /** Shown on the button. */
  readonly label: string
  /**
   * Begins a sign-in.
   *
   * @param next page to open afterwards, relative to the UI
   * @returns the provider's page, and a secret for a cookie of this browser
   */
  begin(redirectUri: string, next: string): Promise<{ readonly url: string; readonly secret: string }>
  /**
   * Ends the sign-in that the provider redirected back from.
   *
   * @throws UnauthenticatedError, ForbiddenError for a user without a role
   */
  finish(currentUrl: URL, secret: string): Promise<{ readonly owner: SessionOwner; readonly next: string }>
  /** The page that ends the session at the provider too; undefined if it has none. */
  getSignOutUrl(idToken: string | undefined, returnTo: string): Promise<string | undefined>
}

type Pending = {
  readonly verifier: string
  readonly state: string
  readonly nonce: string
  readonly next: string
  readonly since: number
}

/** How long a user may take at the provider. */
export const SIGN_IN_SECONDS = 600
const MAX_PENDING = 10_000

/** Authorization code flow with PKCE, by `openid-client`; discovered at the first sign-in. */
export function createIdentityProvider(options: OidcOptions, now: () => number = Date.now): IdentityProvider {
  const { issuer, clientId, clientSecret, scopes = 'openid profile email', rolesClaim = 'groups', roles } = options
  const pending = new Map<string, Pending>()
  let discovered: Promise<Configuration> | undefined
  const discover = async (): Promise<Configuration> => {
    // Loaded on demand: most servers have no provider.
    const client = await import('openid-client')
    // A provider that is not reachable now may be later.
    discovered ??= client
      .discovery(issuer, clientId, clientSecret, clientSecret === undefined ? client.None() : undefined, {
        execute: issuer.protocol === 'http:' && isLoopback(issuer.hostname) ? [client.allowInsecureRequests] : [],
      })
      .catch((cause: unknown) => {
        discovered = undefined
        throw new UnauthenticatedError(`The identity provider does not answer: ${describeCause(cause)}`)
      })
    return await discovered
  }
  return {
    label: issuer.host,
    begin: async (redirectUri, next) => {
      const [client, config] = [await import('openid-client'), await discover()]
      const [oldest] = pending.keys()
      if (pending.size >= MAX_PENDING && oldest !== undefined) pending.delete(oldest)
      const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()]
      const secret = randomBytes(32).toString('base64url')
      pending.set(secret, { verifier, state, nonce, next, since: now() })
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: scopes,
        state,
        nonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
      return { url: url.href, secret }
    },
    finish: async (currentUrl, secret) => {
      const begun = pending.get(secret)
      pending.delete(secret)
      if (begun === undefined || now() - begun.since > SIGN_IN_SECONDS * 1000) {
        throw new UnauthenticatedError('The sign-in took too long or was begun in another browser. Try again.')
      }
      const [client, config] = [await import('openid-client'), await discover()]
      const checks = { pkceCodeVerifier: begun.verifier, expectedState: begun.state, expectedNonce: begun.nonce }
      const found = await client.authorizationCodeGrant(config, currentUrl, checks).catch((cause: unknown) => {
        throw new UnauthenticatedError(`The identity provider refused the sign-in: ${describeCause(cause)}`)
      })
      const idClaims = found.claims()
      if (idClaims === undefined) throw new UnauthenticatedError('The identity provider sent no ID token.')
      // Many providers have groups in the user info only.
      const hasUserInfo = idClaims[rolesClaim] === undefined && config.serverMetadata().userinfo_endpoint !== undefined
      const userInfo = hasUserInfo ? await client.fetchUserInfo(config, found.access_token, idClaims.sub) : {}
      const claims: Claims = { ...userInfo, ...idClaims }
      const owner = toOwner(claims, mapRoles(claims[rolesClaim], roles), found.id_token)
      if (owner.roles.length === 0) throw new ForbiddenError(`${owner.name} has no role here (--oidc-roles).`)
      return { owner, next: begun.next }
    },
    getSignOutUrl: async (idToken, returnTo) => {
      const [client, config] = [await import('openid-client'), await discover()]
      if (config.serverMetadata().end_session_endpoint === undefined) return undefined
      const parameters = new URLSearchParams({ post_logout_redirect_uri: returnTo })
      if (idToken !== undefined) parameters.set('id_token_hint', idToken)
      return client.buildEndSessionUrl(config, parameters).href
    },
  }
}

type Claims = Readonly<Record<string, unknown>>
type User = Extract<SessionOwner, { readonly type: 'user' }>

function mapRoles(claim: unknown, roles: ReadonlyMap<string, Role>): readonly Role[] {
  const values = ['*', ...[claim ?? []].flat().map(String)]
  return [...new Set(values.flatMap((value) => roles.get(value) ?? []))]
}

function toOwner(claims: Claims, roles: readonly Role[], idToken: string | undefined): User {
  const names = [claims['name'], claims['preferred_username'], claims['email'], claims['sub']]
  const name = names.find((one): one is string => typeof one === 'string' && one !== '') ?? ''
  return { type: 'user', subject: String(claims['sub']), name, roles, idToken }
}

function describeCause(cause: unknown): string {
  const { message, error_description: description } = cause as {
    readonly message?: string
    readonly error_description?: string
  }
  return description ?? message ?? String(cause)
}
