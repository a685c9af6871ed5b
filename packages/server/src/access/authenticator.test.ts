import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeToken } from '../../test/access/write-token.ts'
import { type Authenticator, createAuthenticator } from './authenticator.ts'
import { createSessions } from './sign-in/sessions.ts'
import { openTokens } from './tokens/live-tokens.ts'
import { changeTokenFile, readTokenFile } from './tokens/token-file.ts'

let dir: string
let file: string
let now: number
let logged: string[]

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'spanlink-access-'))
  file = join(dir, 'tokens.json')
  now = Date.now()
  logged = []
})
afterEach(() => rmSync(dir, { recursive: true }))

const sessions = createSessions(60_000, () => now)

function open(isAlwaysRequired = true): Authenticator {
  const tokens = openTokens(
    file,
    (line) => void logged.push(line),
    () => now,
  )
  return createAuthenticator(tokens, sessions, isAlwaysRequired)
}

function find(authenticator: Authenticator, authorization?: string, session?: string): readonly string[] | string {
  try {
    return authenticator.authenticate({ authorization, session }).roles
  } catch (error) {
    return (error as Error).constructor.name
  }
}

test('a Bearer or Basic token gives its roles; the file has only its hash and is private', () => {
  const token = writeToken(file, ['ingest', 'read'])
  const authenticator = open()
  expect(find(authenticator, `Bearer ${token}`)).toEqual(['ingest', 'read'])
  expect(find(authenticator, `Basic ${btoa(`grafana:${token}`)}`)).toEqual(['ingest', 'read'])
  expect(JSON.stringify(readTokenFile(file))).not.toContain(token.slice(-43))
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test.each([
  ['nothing', ''],
  ['a truncated token', 'spanlink_'],
  ['a huge token', `Bearer ${'x'.repeat(15_000)}`],
  ['a token that is not ASCII', 'Bearer spanlink_é€_ü'],
  ['control characters', 'Bearer \u0000\u0007'],
  ['a Basic header that is not base64', 'Basic %%%'],
  ['another scheme', 'Negotiate abc'],
])('%s is rejected, and nothing of it is logged', (_what, authorization) => {
  writeToken(file, ['admin'])
  expect(find(open(), authorization)).toBe('UnauthenticatedError')
  expect(logged).toEqual([])
})

test('without a token file no token is needed; once the file exists, every request needs one', () => {
  const authenticator = open(false)
  expect(find(authenticator)).toEqual(['admin'])
  const token = writeToken(file, ['read'])
  now += 2000
  expect(find(authenticator)).toBe('UnauthenticatedError')
  expect(find(authenticator, `Bearer ${token}`)).toEqual(['read'])
  changeTokenFile(file, () => [])
  now += 2000
  expect(find(authenticator)).toBe('UnauthenticatedError')
})

test('a revoked or expired token is rejected within two seconds, and so is the session that it began', () => {
  const token = writeToken(file, ['read'], { expiresAt: new Date(now + 30_000).toISOString() })
  const authenticator = open()
  const [{ id = '' } = {}] = readTokenFile(file)
  const { secret } = sessions.start({ type: 'token', tokenId: id })
  expect(find(authenticator, undefined, secret)).toEqual(['read'])
  now += 31_000
  expect(find(authenticator, `Bearer ${token}`)).toBe('UnauthenticatedError')
  expect(find(authenticator, undefined, secret)).toBe('UnauthenticatedError')
  const other = writeToken(file, ['read'])
  now += 2000
  expect(find(authenticator, `Bearer ${other}`)).toEqual(['read'])
  changeTokenFile(file, () => [])
  now += 2000
  expect(find(authenticator, `Bearer ${other}`)).toBe('UnauthenticatedError')
})

test('a file that becomes invalid leaves the earlier tokens valid and is logged once', () => {
  const token = writeToken(file, ['read'])
  const authenticator = open()
  writeFileSync(file, '{"version":1,"tokens":[{"id":"x"}]}')
  for (let turn = 0; turn < 3; turn++) {
    now += 2000
    expect(find(authenticator, `Bearer ${token}`)).toEqual(['read'])
  }
  expect(logged).toEqual([expect.stringContaining('token 1 has an invalid id')])
})

test('an invalid file is an error at the start', () => {
  writeFileSync(file, 'tokens')
  expect(() => open()).toThrow('it is not JSON')
})

test('a revocation that could not be read at first is read as soon as it can be', () => {
  const token = writeToken(file, ['read'])
  const authenticator = open()
  rmSync(file)
  symlinkSync(file, file)
  now += 2000
  expect(find(authenticator, `Bearer ${token}`)).toEqual(['read'])
  rmSync(file)
  writeFileSync(file, '{"version":1,"tokens":[]}')
  now += 2000
  expect(find(authenticator, `Bearer ${token}`)).toBe('UnauthenticatedError')
})

test('a session ends after its duration and when it is signed out', () => {
  writeToken(file, ['read'])
  const authenticator = open()
  const owner = { type: 'user', subject: 's', name: 'n', roles: ['read'] } as const
  const [one, two] = [sessions.start(owner).secret, sessions.start(owner).secret]
  sessions.end(two)
  expect(find(authenticator, undefined, one)).toEqual(['read'])
  expect(find(authenticator, undefined, two)).toBe('UnauthenticatedError')
  now += 60_001
  expect(find(authenticator, undefined, one)).toBe('UnauthenticatedError')
})
