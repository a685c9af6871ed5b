import { parseCookie, stringifySetCookie } from 'cookie'
import type { Origin } from '../../access/proxies.ts'

const SESSION = 'spanlink_session'
const SIGN_IN = 'spanlink_sign_in'

export function readSessionCookie(header: string | undefined): string | undefined {
  return header === undefined ? undefined : parseCookie(header)[SESSION]
}

/** The state of a sign-in at the identity provider. */
export function readSignInCookie(header: string | undefined): string | undefined {
  return header === undefined ? undefined : parseCookie(header)[SIGN_IN]
}

export type CookiePlace = {
  /** Path of the UI, which ends with `/`. */
  readonly basePath: string
  readonly protocol: Origin['protocol']
}

/**
 * Lax, not Strict: a link in a message must open the page, and the provider redirects to one. Other
 * methods than GET check the origin.
 *
 * @param maxAge in seconds; 0 removes the cookie
 */
export function formatSessionCookie(secret: string, maxAge: number, place: CookiePlace): string {
  return formatCookie(SESSION, secret, maxAge, place)
}

export function formatSignInCookie(state: string, maxAge: number, place: CookiePlace): string {
  return formatCookie(SIGN_IN, state, maxAge, place)
}

function formatCookie(name: string, value: string, maxAge: number, { basePath, protocol }: CookiePlace): string {
  return stringifySetCookie({
    name,
    value,
    maxAge,
    path: basePath,
    httpOnly: true,
    sameSite: 'lax',
    secure: protocol === 'https',
  })
}
