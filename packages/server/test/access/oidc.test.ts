import { freePorts } from '@spanlink/testkit/free-ports'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowserLike, type Page } from './browser-like.ts'
import { startIdentityProvider, type TestProvider, toArguments } from '@spanlink/testkit/identity-provider'
import { writeToken } from './write-token.ts'
import { join } from 'node:path'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'

let dir: string
let provider: TestProvider
let server: SpanlinkServer
let token: string

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'spanlink-oidc-'))
  const [port = 0] = await freePorts(1)
  provider = await startIdentityProvider(`http://127.0.0.1:${port}`)
  const tokensFile = join(dir, 'tokens.json')
  token = writeToken(tokensFile, ['admin'])
  const args = [...toArguments(provider), '--port', String(port), '--tokens', tokensFile]
  server = await startSpanlink({ args, token, env: { SPANLINK_OIDC_CLIENT_SECRET: provider.clientSecret } })
})

afterAll(async () => {
  await server?.stop()
  await provider?.[Symbol.asyncDispose]()
  rmSync(dir, { recursive: true, force: true })
})

type Browser = ReturnType<typeof openBrowserLike>

async function signIn(browser: Browser, login: string, next = ''): Promise<Page> {
  const form = await browser.get(`${server.url}/api/session/oidc?next=${encodeURIComponent(next)}`)
  const consent = await browser.submit(form, { login, password: 'any' })
  return await browser.submit(consent, {})
}

const session = async (browser: Browser): Promise<unknown> =>
  JSON.parse((await browser.get(`${server.url}/api/session`)).text)

test('a user signs in at the provider, gets the role of the group, and returns to the page', async () => {
  const browser = openBrowserLike()
  expect(await session(browser)).toMatchObject({ authentication: 'required', methods: { token: true, oidc: {} } })
  expect((await browser.get(`${server.url}/api/services`)).status).toBe(401)
  const page = await signIn(browser, 'anna.shop', 'traces?q={}')
  expect(page.url).toBe(`${server.url}/traces?q={}`)
  expect(await session(browser)).toMatchObject({ user: { name: 'anna', roles: ['read'] } })
  expect((await browser.get(`${server.url}/api/services`)).status).toBe(200)
  expect(browser.cookieOf(server.url, 'spanlink_session')).toMatchObject({ httpOnly: true, sameSite: 'lax', path: '/' })
  expect(server.stderr()).toContain('User anna (read) signed in from 127.0.0.1.')
})

test('groups give each role once, and a user without one is refused', async () => {
  const operator = openBrowserLike()
  await signIn(operator, 'olga.shop.operators.operators')
  expect(await session(operator)).toMatchObject({ user: { roles: ['read', 'admin'] } })
  const stranger = openBrowserLike()
  const page = await signIn(stranger, 'sam.sales')
  expect(new URL(page.url).searchParams.get('sign-in-error')).toBe('sam has no role here (--oidc-roles).')
  expect(await session(stranger)).not.toHaveProperty('user')
})

test.each(['//evil.example/x', 'https://evil.example', '/\\evil.example', 'javascript:alert(1)', '\\\\evil.example'])(
  'a sign-in never leads to another site (%s)',
  async (next) => {
    const page = await signIn(openBrowserLike(), 'anna.shop', next)
    expect(new URL(page.url).origin).toBe(server.url)
  },
)

test('a callback without a sign-in that this browser started creates no session', async () => {
  const victim = openBrowserLike()
  const page = await victim.get(`${server.url}/api/session/oidc/callback?code=stolen&state=x`)
  expect(page.url).toContain('sign-in-error')
  expect(await session(victim)).not.toHaveProperty('user')
})

test('signing out ends the session here and names the provider’s page', async () => {
  const browser = openBrowserLike()
  await signIn(browser, 'anna.shop')
  const cookie = `spanlink_session=${browser.cookieOf(server.url, 'spanlink_session')?.value}`
  const foreign = await fetch(`${server.url}/api/session`, {
    method: 'DELETE',
    headers: { cookie, origin: 'https://evil.example' },
  })
  expect(foreign.status).toBe(403)
  const ended = await fetch(`${server.url}/api/session`, { method: 'DELETE', headers: { cookie } })
  expect(await ended.json()).toEqual({ redirect: expect.stringContaining(`${provider.issuer}/session/end`) })
  expect(ended.headers.get('set-cookie')).toContain('Max-Age=0')
  expect((await fetch(`${server.url}/api/services`, { headers: { cookie } })).status).toBe(401)
})

test('a browser signs in with a token; wrong tokens and those that only send are refused', async () => {
  const post = (body: string): Promise<Response> =>
    fetch(`${server.url}/api/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const accepted = await post(JSON.stringify({ token }))
  expect(accepted.status).toBe(204)
  const [cookie = ''] = accepted.headers.getSetCookie()[0]?.split(';') ?? []
  expect((await fetch(`${server.url}/api/services`, { headers: { cookie } })).status).toBe(200)
  expect((await post(JSON.stringify({ token: `${token}x` }))).status).toBe(401)
  expect((await post(JSON.stringify({ token: 'x'.repeat(2000) }))).status).toBe(400)
  expect((await post('{')).status).toBe(400)
  const statuses = await Promise.all(Array.from({ length: 40 }, async () => (await post('{"token":"guess"}')).status))
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(5)
  expect((await post(JSON.stringify({ token }))).status).toBe(204)
})
