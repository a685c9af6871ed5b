import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { launchBrowser } from '@spanlink/testkit/browser'
import { freePorts } from '@spanlink/testkit/free-ports'
import { startIdentityProvider, type TestProvider, toArguments } from '@spanlink/testkit/identity-provider'
import { type Proxy, startNginx } from '@spanlink/testkit/nginx'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { findViolations } from '../accessibility-rules.ts'
import { ensureBuilt, type Page } from '../site.ts'

const SESSION_SECONDS = 20
const traceId = 'ab'.repeat(16)
const main = fileURLToPath(new URL('../../../server/src/cli/main.ts', import.meta.url))

let dir: string
let tokensFile: string
let token: string
let provider: TestProvider
let server: SpanlinkServer
let proxy: Proxy
let browser: Awaited<ReturnType<typeof launchBrowser>>
let context: Awaited<ReturnType<typeof browser.newContext>>

/** A user reaches the server only through nginx, under a prefix. */
beforeAll(async () => {
  await ensureBuilt()
  dir = mkdtempSync(join(tmpdir(), 'spanlink-sign-in-'))
  tokensFile = join(dir, 'tokens.json')
  token = await createToken('admin')
  const [port = 0, proxyPort = 0] = await freePorts(2)
  provider = await startIdentityProvider(`http://localhost:${proxyPort}/spanlink`)
  const proxied = ['--base-path', '/spanlink', '--trusted-proxies', '127.0.0.1']
  const session = ['--session-duration', `${SESSION_SECONDS}s`, '--tokens', tokensFile, '--port', String(port)]
  const env = { SPANLINK_OIDC_CLIENT_SECRET: provider.clientSecret }
  server = await startSpanlink({ args: [...toArguments(provider), ...proxied, ...session], token, env })
  // As docs/security.md shows it.
  proxy = await startNginx(
    `location /spanlink/ {
      proxy_pass http://127.0.0.1:${port};
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
    }`,
    proxyPort,
  )
  const spans = [{ traceId, spanId: 'cd'.repeat(8), name: 'send orders' }]
  const sent = await fetch(`${server.otlpHttp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', authorization: `Bearer ${token}` },
    body: Buffer.from(encodeTraces(tracesOf('orders', spans))),
  })
  if (!sent.ok) throw new Error(`the receiver returned ${sent.status}: ${await sent.text()}`)
  browser = await launchBrowser()
})

beforeEach(async () => {
  context = await browser.newContext({ viewport: { width: 1200, height: 800 }, reducedMotion: 'reduce' })
  context.setDefaultTimeout(60_000)
  return async () => await context.close()
})

afterAll(async () => {
  await browser?.close()
  await proxy?.[Symbol.asyncDispose]()
  await server?.stop()
  await provider?.[Symbol.asyncDispose]()
  rmSync(dir, { recursive: true, force: true })
})

async function createToken(role: string): Promise<string> {
  const args = ['--conditions=spanlink:source', main, 'token', 'create', '--role', role, '--tokens', tokensFile]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  let stdout = ''
  child.stdout.on('data', (text) => (stdout += String(text)))
  await once(child, 'close')
  return stdout.trim()
}

async function open(path: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`http://localhost:${proxy.port}/spanlink/${path}`)
  return page
}

async function signInWithToken(page: Page, text: string): Promise<void> {
  await page.getByLabel('Token').fill(text)
  await page.keyboard.press('Enter')
}

test('a token signs in and leads to the page that was asked for; Sign out ends the session', async () => {
  const page = await open(`trace/${traceId}?span=${'cd'.repeat(8)}`)
  await page.getByRole('heading', { name: 'Sign in to Spanlink' }).waitFor()
  expect(await page.getByLabel('Token').evaluate((field) => field === document.activeElement)).toBe(true)
  expect(await findViolations(page)).toEqual([])
  await signInWithToken(page, 'spanlink_wrong')
  await page.getByRole('alert').getByText('The token is wrong, expired or revoked.').waitFor()
  await signInWithToken(page, await createToken('ingest'))
  await page.getByRole('alert').getByText('may only send').waitFor()
  await signInWithToken(page, token)
  await page.getByText('send orders').first().waitFor()
  expect(page.url()).toContain(`/spanlink/trace/${traceId}?span=`)
  const [cookie] = await context.cookies()
  expect(cookie).toMatchObject({ name: 'spanlink_session', httpOnly: true, sameSite: 'Lax', path: '/spanlink/' })
  expect(await findViolations(page)).toEqual([])

  const other = await open('topology')
  await other.getByRole('button', { name: 'Sign out' }).waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in to Spanlink' }).waitFor()
  // The other tab notices at its next request.
  await other.getByRole('heading', { name: 'Sign in to Spanlink' }).waitFor()
  expect(await context.cookies()).toEqual([])
})

test('a session that expires keeps the page, which is shown again after signing in', async () => {
  const page = await open('?service=orders')
  await signInWithToken(page, token)
  await page.locator('a.trace-link').first().waitFor()
  const [cookie] = await context.cookies()
  expect((cookie?.expires ?? 0) - Date.now() / 1000).toBeLessThanOrEqual(SESSION_SECONDS)
  await page.getByText('Your session has ended.').waitFor()
  await signInWithToken(page, token)
  await page.locator('a.trace-link').first().waitFor()
  expect(new URL(page.url()).search).toBe('?service=orders')
})

test('a user signs in at the identity provider behind the proxy, and out of both', async () => {
  const page = await open('messages?list=late')
  await page.getByRole('link', { name: /^Sign in with 127/ }).click()
  await page.locator('input[name=login]').fill('anna.shop')
  await page.locator('input[name=password]').fill('any')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: /continue/i }).click()
  await page.getByText('anna', { exact: true }).waitFor()
  expect(page.url()).toBe(`http://localhost:${proxy.port}/spanlink/messages?list=late`)
  await page.getByRole('button', { name: 'Sign out' }).click()
  // The provider asks whether to end its own session too.
  await page.getByRole('button', { name: /yes/i }).click()
  await page.getByRole('heading', { name: 'Sign in to Spanlink' }).waitFor()
  expect(page.url()).toBe(`http://localhost:${proxy.port}/spanlink/`)
})

test('a user without a role reads why', async () => {
  const page = await open('')
  await page.getByRole('link', { name: /^Sign in with/ }).click()
  await page.locator('input[name=login]').fill('sam.sales')
  await page.locator('input[name=password]').fill('any')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: /continue/i }).click()
  await page.getByRole('alert').getByText('sam has no role here').waitFor()
  expect(new URL(page.url()).search).toBe('')
})

test('every page, link and stream works below the prefix', async () => {
  const page = await open('')
  await signInWithToken(page, token)
  const outside: string[] = []
  page.on('request', (request) => {
    if (!new URL(request.url()).pathname.startsWith('/spanlink/')) outside.push(request.url())
  })
  await page.locator('a.trace-link').first().click()
  await page.waitForURL(`**/spanlink/trace/${traceId}`)
  await page.reload()
  await page.getByText('send orders').first().waitFor()
  for (const name of ['Messages', 'Topology', 'Metrics', 'Logs', 'Connect', 'Traces']) {
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click()
    await page.locator(`nav a[aria-current="page"]`, { hasText: name }).waitFor()
  }
  await page.locator('a.trace-link').first().waitFor()
  await page.goBack()
  await page.waitForURL('**/spanlink/connect')
  expect(outside).toEqual([])
})
