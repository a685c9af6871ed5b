import { hash, randomBytes, randomInt } from 'node:crypto'

/** The prefix lets secret scanners find tokens in code and logs. */
const PREFIX = 'spanlink'
const FORMAT = /^spanlink_([a-z0-9]{8})_[A-Za-z0-9_-]{43}$/
const ID_CHARACTERS = 'abcdefghijkmnpqrstuvwxyz23456789'

/**
 * Creates a token: `spanlink_<id>_<secret>`, with a secret of 256 random bits. With so many, a
 * plain hash cannot be reversed by guessing, as that of a password can.
 */
export function createToken(): { readonly id: string; readonly text: string } {
  const id = Array.from({ length: 8 }, () => ID_CHARACTERS[randomInt(ID_CHARACTERS.length)]).join('')
  return { id, text: `${PREFIX}_${id}_${randomBytes(32).toString('base64url')}` }
}

/** The id in a token, which is not secret; undefined for any other text. */
export function parseTokenId(text: string): string | undefined {
  return FORMAT.exec(text)?.[1]
}

/** SHA-256; 32 bytes. */
export function hashToken(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
