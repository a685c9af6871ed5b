import { closeSync, fchownSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { type Role, roles } from '../roles.ts'

/** Limits of a token; undefined = none. */
export type TokenLimits = {
  readonly spansPerSecond?: number
  /** Of request bodies, decompressed. */
  readonly bytesPerSecond?: number
  /** Queries that run at the same time. */
  readonly concurrentQueries?: number
}

/** A token as the file has it: its hash, not its text. */
export type StoredToken = {
  readonly id: string
  readonly name: string
  readonly roles: readonly Role[]
  /** SHA-256 in hex. */
  readonly hash: string
  /** ISO 8601 in UTC. */
  readonly createdAt: string
  readonly expiresAt?: string
  readonly limits?: TokenLimits
}

/** @throws an Error that says what is wrong with the file; Node's error with `code` */
export function readTokenFile(file: string): readonly StoredToken[] {
  return parseTokens(readFileSync(file, 'utf8'))
}

/** Like `readTokenFile`; a missing file has no tokens. */
export function readTokenFileIfExists(file: string): readonly StoredToken[] {
  try {
    return readTokenFile(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/**
 * Replaces the tokens of the file, atomically and readable by its owner only.
 *
 * @param change gets the current tokens
 * @throws an Error if another process is changing the file
 */
export function changeTokenFile(
  file: string,
  change: (tokens: readonly StoredToken[]) => readonly StoredToken[],
): void {
  const draft = `${file}.new`
  let fd: number
  try {
    // Two processes that change the file at the same time would lose a change.
    fd = openSync(draft, 'wx', 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new Error(`another command is changing ${file}; if none is, remove ${draft}`, { cause: error })
  }
  try {
    const tokens = change(readTokenFileIfExists(file))
    keepOwner(file, fd)
    writeSync(fd, `${JSON.stringify({ version: 1, tokens }, undefined, 2)}\n`)
    renameSync(draft, file)
  } finally {
    closeSync(fd)
    rmSync(draft, { force: true })
  }
}

/** Root may change the file of a server that runs as another user, who must still read it. */
function keepOwner(file: string, fd: number): void {
  const owner = statSync(file, { throwIfNoEntry: false })
  if (owner !== undefined && process.getuid?.() === 0) fchownSync(fd, owner.uid, owner.gid)
}

function parseTokens(text: string): readonly StoredToken[] {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (cause) {
    throw new Error('it is not JSON', { cause })
  }
  const { version, tokens } = (content ?? {}) as { readonly version?: unknown; readonly tokens?: unknown }
  if (version !== 1 || !Array.isArray(tokens)) throw new Error('expected {"version": 1, "tokens": [...]}')
  for (const [at, token] of tokens.entries()) {
    const wrong = Object.entries(checks).find(([field, isValid]) => !isValid(getField(token, field)))
    if (wrong !== undefined) throw new Error(`token ${at + 1} has an invalid ${wrong[0]}`)
  }
  return tokens as StoredToken[]
}

function getField(token: unknown, field: string): unknown {
  return typeof token === 'object' && token !== null ? (token as Readonly<Record<string, unknown>>)[field] : undefined
}

const isTime = (value: unknown): boolean => typeof value === 'string' && !Number.isNaN(Date.parse(value))

const checks: { readonly [Field in keyof Required<StoredToken>]: (value: unknown) => boolean } = {
  id: (value) => typeof value === 'string' && /^[a-z0-9]{8}$/.test(value),
  name: (value) => typeof value === 'string',
  roles: (value) => Array.isArray(value) && value.length > 0 && value.every((role) => roles.includes(role as Role)),
  hash: (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
  createdAt: isTime,
  expiresAt: (value) => value === undefined || isTime(value),
  limits: (value) => value === undefined || hasValidLimits(value),
}

function hasValidLimits(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const names = ['spansPerSecond', 'bytesPerSecond', 'concurrentQueries']
  return Object.entries(value).every(
    ([name, limit]) => names.includes(name) && typeof limit === 'number' && limit > 0 && Number.isFinite(limit),
  )
}
