import type { TokenLimits } from './tokens/token-file.ts'
import type { LiveTokens } from './tokens/live-tokens.ts'
import { UnauthenticatedError } from './errors.ts'
import type { Role } from './roles.ts'
import type { Session, Sessions } from './sign-in/sessions.ts'

/** Who sends a request, as far as it is known. */
export type Principal = {
  /** Unique: of a token or of a user. */
  readonly id: string
  readonly name: string
  readonly roles: readonly Role[]
  readonly limits: TokenLimits
}

export type Credentials = {
  /** Value of the `Authorization` header: Bearer, or Basic with the token as password. */
  readonly authorization?: string | undefined
  /** Secret of the session cookie. */
  readonly session?: string | undefined
  /** Whether TLS verified a certificate of the client. */
  readonly hasCertificate?: boolean
}

export type Authenticator = {
  /** Whether requests need credentials. */
  isRequired(): boolean
  /** @throws UnauthenticatedError without valid credentials */
  authenticate(credentials: Credentials): Principal
}

/** Without authentication everyone is this one. */
const ANYONE: Principal = { id: 'anyone', name: 'anyone', roles: ['admin'], limits: {} }

const CERTIFICATE_OWNER: Principal = { id: 'certificate', name: 'client certificate', roles: ['ingest'], limits: {} }

/** For servers without authentication. */
export const openToAll: Authenticator = { isRequired: () => false, authenticate: () => ANYONE }

/**
 * @param isAlwaysRequired also without a file of tokens; otherwise as soon as there is one
 */
export function createAuthenticator(tokens: LiveTokens, sessions: Sessions, isAlwaysRequired: boolean): Authenticator {
  // Never falls back: the file may be gone by mistake.
  let required = isAlwaysRequired
  const isRequired = (): boolean => (required ||= tokens.exists())
  return {
    isRequired,
    authenticate: ({ authorization, session, hasCertificate }) => {
      if (!isRequired()) return ANYONE
      if (authorization !== undefined) {
        const token = tokens.find(parseAuthorization(authorization) ?? '')
        if (token !== undefined) return toPrincipal(token)
        throw new UnauthenticatedError('The token is wrong, expired or revoked.')
      }
      if (hasCertificate === true) return CERTIFICATE_OWNER
      const found = session === undefined ? undefined : sessions.find(session)
      const principal = found && toSessionPrincipal(found, tokens)
      if (principal === undefined) throw new UnauthenticatedError()
      return principal
    },
  }
}

function toPrincipal({
  id,
  name,
  roles,
  limits = {},
}: {
  readonly id: string
  readonly name: string
  readonly roles: readonly Role[]
  readonly limits?: TokenLimits
}): Principal {
  return { id: `token ${id}`, name, roles, limits }
}

/** A session of a token ends with the token, and has its current roles. */
function toSessionPrincipal({ owner }: Session, tokens: LiveTokens): Principal | undefined {
  if (owner.type === 'user') {
    return { id: `user ${owner.subject}`, name: owner.name, roles: owner.roles, limits: {} }
  }
  const token = tokens.findById(owner.tokenId)
  return token && toPrincipal(token)
}

/** The token of a Bearer or Basic header. */
function parseAuthorization(authorization: string): string | undefined {
  const [, scheme = '', value = ''] = /^(bearer|basic) +(\S+)\s*$/i.exec(authorization) ?? []
  if (scheme.toLowerCase() !== 'basic') return value
  const decoded = Buffer.from(value, 'base64').toString('latin1')
  return decoded.slice(decoded.indexOf(':') + 1)
}
