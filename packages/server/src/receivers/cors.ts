import { hash, timingSafeEqual } from 'node:crypto'

/** Authentication, TLS and CORS of the receivers. */
export type Access = {
  /** Required as `Authorization: Bearer <token>`. @default no authentication */
  readonly token?: string
  /** PEM certificate and key. @default plain text */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer }
  /** Origins whose pages may send over HTTP; `*` allows all. @default none */
  readonly corsOrigins?: readonly string[]
}

/** @param authorization value of the `Authorization` header */
export function isAuthorized(access: Access, authorization: string | undefined): boolean {
  if (access.token === undefined) return true
  const token = /^bearer +(.+)$/i.exec(authorization ?? '')?.[1]
  return token !== undefined && timingSafeEqual(hashToken(token), hashToken(access.token))
}

/** Hashes have equal length, so the comparison doesn't leak the token's length. */
function hashToken(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}

/** CORS headers of a response to `origin`; undefined if the origin isn't allowed. */
export function createCorsHeaders(
  access: Access,
  origin: string | undefined,
): Readonly<Record<string, string>> | undefined {
  const { corsOrigins = [] } = access
  if (origin === undefined || !(corsOrigins.includes('*') || corsOrigins.includes(origin))) return undefined
  return { 'access-control-allow-origin': origin, vary: 'Origin' }
}

const PREFLIGHT_SECONDS = 7200

/** Headers of a preflight response, in addition to those of `createCorsHeaders`. */
export function createPreflightHeaders(requestedHeaders: string | undefined): Readonly<Record<string, string>> {
  const names = /^[\w\-, ]{1,1000}$/.test(requestedHeaders ?? '') ? requestedHeaders : undefined
  return {
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': names ?? 'content-type',
    'access-control-max-age': String(PREFLIGHT_SECONDS),
  }
}
