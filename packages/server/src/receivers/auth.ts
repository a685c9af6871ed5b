import { hash, timingSafeEqual } from 'node:crypto'

/** Who may send to the receivers, and how. */
export type Access = {
  /** Senders have to say it, as `Authorization: Bearer <token>`. @default everybody may send */
  readonly token?: string
  /** PEM. @default plain text */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer }
  /** Origins whose pages may send over HTTP; `*` is all. @default none */
  readonly corsOrigins?: readonly string[]
}

/** @param authorization the header as sent */
export function isAuthorized(access: Access, authorization: string | undefined): boolean {
  if (access.token === undefined) return true
  const said = /^bearer +(.+)$/i.exec(authorization ?? '')?.[1]
  return said !== undefined && timingSafeEqual(hashToken(said), hashToken(access.token))
}

/** Of equal length, so that a comparison tells nothing of the token's. */
function hashToken(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}

/** Headers of an answer to a page of `origin`; undefined when it may not send. */
export function createCorsHeaders(
  access: Access,
  origin: string | undefined,
): Readonly<Record<string, string>> | undefined {
  const { corsOrigins = [] } = access
  if (origin === undefined || !(corsOrigins.includes('*') || corsOrigins.includes(origin))) return undefined
  return { 'access-control-allow-origin': origin, vary: 'Origin' }
}

const PREFLIGHT_SECONDS = 7200

/** Of the answer to a preflight, beside those above. */
export function createPreflightHeaders(requestedHeaders: string | undefined): Readonly<Record<string, string>> {
  const names = /^[\w\-, ]{1,1000}$/.test(requestedHeaders ?? '') ? requestedHeaders : undefined
  return {
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': names ?? 'content-type',
    'access-control-max-age': String(PREFLIGHT_SECONDS),
  }
}
