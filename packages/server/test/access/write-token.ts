import type { Role } from '../../src/access/roles.ts'
import { changeTokenFile, type StoredToken } from '../../src/access/tokens/token-file.ts'
import { createToken, hashToken } from '../../src/access/tokens/token.ts'

/** Adds a token to the file and returns its text. */
export function writeToken(
  file: string,
  roles: readonly Role[],
  more: Partial<Pick<StoredToken, 'name' | 'expiresAt' | 'limits'>> = {},
): string {
  const { id, text } = createToken()
  const hash = hashToken(text).toString('hex')
  const token = { id, name: roles.join(' and '), roles, hash, createdAt: new Date().toISOString(), ...more }
  changeTokenFile(file, (tokens) => [...tokens, token])
  return text
}
