import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { request as requestHttps } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readTokenFile } from '../../src/access/tokens/token-file.ts'
import { writeCertificate } from './certificate.ts'
import { writeToken } from './write-token.ts'

let dir: string
let tokensFile: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-exposed-'))
  tokensFile = join(dir, 'tokens.json')
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

async function run(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['--conditions=spanlink:source', main, ...args])
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (text) => (output.stdout += String(text)))
  child.stderr.on('data', (text) => (output.stderr += String(text)))
  const [code] = (await once(child, 'close')) as [number]
  return { code, ...output }
}

const span = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), name: 'send orders' }

test('an address that others reach is refused without authentication, with one line that names the ways out', async () => {
  const data = join(dir, 'data')
  const { code, stderr } = await run('serve', '--host', '0.0.0.0', '--data', data)
  expect(code).toBe(2)
  expect(stderr.trim().split('\n')).toHaveLength(1)
  for (const way of ['spanlink token create', '--oidc-issuer', '127.0.0.1', '--insecure-no-auth']) {
    expect(stderr).toContain(way)
  }
  await expect(stat(data)).rejects.toThrow('ENOENT')
})

test('--insecure-no-auth serves other addresses, and contradicts tokens', async () => {
  await using server = await startSpanlink({ args: ['--host', '0.0.0.0', '--insecure-no-auth'] })
  expect((await fetch(`${server.url}/api/traces`)).status).toBe(200)
  writeToken(tokensFile, ['read'])
  const { code, stderr } = await run('serve', '--insecure-no-auth', '--tokens', tokensFile)
  expect([code, stderr]).toEqual([2, expect.stringContaining('--insecure-no-auth contradicts')])
})

test('a token of the command line works at once in a running server, until it is revoked', async () => {
  await using server = await startSpanlink()
  const tokens = ['--tokens', join(server.dataDir, 'tokens.json')]
  const created = await run('token', 'create', '--role', 'read', '--name', 'Grafana', '--expires', '30d', ...tokens)
  const token = created.stdout.trim()
  expect(token).toMatch(/^spanlink_[a-z0-9]{8}_[\w-]{43}$/)
  const get = async (authorization = ''): Promise<number> =>
    (await fetch(`${server.url}/api/services`, { headers: { authorization } })).status
  await vi.waitUntil(async () => (await get()) === 401, { timeout: 10_000 })
  expect(await get(`Bearer ${token}`)).toBe(200)
  const listed = await run('token', 'list', ...tokens)
  expect(listed.stdout).toContain('Grafana')
  expect(listed.stdout).not.toContain(token.slice(-43))
  const [, id = ''] = token.split('_')
  expect((await run('token', 'revoke', 'nonesuch', ...tokens)).code).toBe(3)
  expect((await run('token', 'revoke', id, ...tokens)).code).toBe(0)
  await vi.waitUntil(async () => (await get(`Bearer ${token}`)) === 401, { timeout: 10_000 })
  expect(server.stderr()).not.toContain(token.slice(-43))
})

test.each([
  [['create'], 'missing --role'],
  [['create', '--role', 'root'], 'expected ingest, read or admin'],
  [['create', '--role', 'read', '--expires', 'soon'], 'expected a duration'],
  [['revoke'], 'missing argument ID'],
  [['grant'], 'expected create, list or revoke'],
  [[], 'expected create, list or revoke'],
])('spanlink token %j exits with code 2 and says %s', async (args, message) => {
  const { code, stderr } = await run('token', ...args, '--tokens', tokensFile)
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
})

test('client commands send the token of SPANLINK_TOKEN, and say how to give one', async () => {
  const token = writeToken(tokensFile, ['read'])
  await using server = await startSpanlink({ args: ['--tokens', tokensFile], token })
  const without = await run('topology', '--url', server.url)
  expect([without.code, without.stderr]).toEqual([1, expect.stringContaining('SPANLINK_TOKEN')])
  const file = join(dir, 'token')
  await writeFile(file, `${token}\n`)
  expect((await run('topology', '--url', server.url, '--token-file', file)).code).toBe(0)
})

test.each(['/', '/api/traces', '/tempo/api/search', '/jaeger/api/services', '/metrics', '/mcp'])(
  'a page of another name or origin gets nothing from %s, also on an exposed address',
  async (path) => {
    const token = writeToken(tokensFile, ['admin'])
    const args = ['--host', '0.0.0.0', '--tokens', tokensFile, '--allowed-hosts', 'traces.example']
    await using server = await startSpanlink({ args, token })
    const authorization = `Bearer ${token}`
    expect(await statusOf(`${server.url}${path}`, { authorization, host: 'evil.example' })).toBe(403)
    expect(await statusOf(`${server.url}${path}`, { authorization, origin: 'http://evil.example' })).toBe(403)
    expect(await statusOf(`${server.url}${path}`, { authorization, host: 'traces.example' })).not.toBe(403)
  },
)

test('a page of another name or origin cannot send spans', async () => {
  await using server = await startSpanlink()
  const send = (headers: Readonly<Record<string, string>>): Promise<number> =>
    statusOf(
      `${server.otlpHttp}/v1/traces`,
      { 'content-type': 'application/x-protobuf', ...headers },
      encodeTraces(tracesOf('a', [span])),
    )
  expect(await send({ host: 'evil.example' })).toBe(403)
  expect(await send({ origin: 'https://evil.example' })).toBe(403)
  expect(await send({})).toBe(200)
})

test('an existing directory that others can read hides tables, journal and settings from them', async () => {
  const data = join(dir, 'data')
  await mkdir(join(data, 'clickhouse'), { recursive: true, mode: 0o755 })
  await chmod(data, 0o755)
  await chmod(join(data, 'clickhouse'), 0o755)
  await using server = await startSpanlink({ dataDir: data })
  expect((await server.sendSpans(tracesOf('a', [span]))).status).toBe(200)
  await vi.waitUntil(async () => (await fetch(`${server.url}/api/traces/${span.traceId}`)).ok, { timeout: 20_000 })
  const readable: string[] = []
  for (const name of await readdir(data)) {
    if (((await stat(join(data, name))).mode & 0o077) !== 0) readable.push(name)
  }
  expect(readable).toEqual([])
})

test('a password of the store in an argument is refused, one in the environment is not', async () => {
  const refused = await run('serve', '--store', 'clickhouse://u:secret1@127.0.0.1:1/spanlink', '--data', dir)
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('SPANLINK_STORE_PASSWORD')])
  expect(refused.stderr).not.toContain('secret1')
})

test('a changed certificate is used without a restart; a broken one is not', async () => {
  const one = writeCertificate(dir, 'one')
  const two = writeCertificate(dir, 'two')
  const [certFile, keyFile] = [join(dir, 'tls.pem'), join(dir, 'tls.key')]
  const install = async (files: typeof one): Promise<void> => {
    await copyFile(files.keyFile, keyFile)
    await copyFile(files.certFile, certFile)
  }
  await install(one)
  await using server = await startSpanlink({ args: ['--tls-cert', certFile, '--tls-key', keyFile] })
  const nameOf = (url: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const sent = requestHttps(url, { rejectUnauthorized: false, agent: false }, (response) => {
        const { subject } = (response.socket as TLSSocket).getPeerCertificate()
        resolve(String(subject.CN))
        response.destroy()
      })
      sent.once('error', reject)
      sent.end()
    })
  expect([await nameOf(server.url), await nameOf(server.otlpHttp)]).toEqual(['one', 'one'])
  await install(two)
  await vi.waitUntil(async () => (await nameOf(server.url)) === 'two', { timeout: 15_000, interval: 200 })
  await vi.waitUntil(async () => (await nameOf(server.otlpHttp)) === 'two', { timeout: 15_000, interval: 200 })
  await writeFile(certFile, 'broken')
  await vi.waitUntil(() => server.stderr().includes('The changed TLS certificate is not used'), { timeout: 15_000 })
  expect(await nameOf(server.url)).toBe('two')
  // A link to itself, as a mistake in a script leaves it.
  await rm(certFile)
  await symlink(certFile, certFile)
  await rm(keyFile)
  await copyFile(one.keyFile, keyFile)
  await vi.waitUntil(() => server.stderr().includes('ELOOP'), { timeout: 30_000 })
  await rm(certFile)
  await copyFile(one.certFile, certFile)
  await vi.waitUntil(async () => (await nameOf(server.url)) === 'one', { timeout: 15_000, interval: 200 })
})

test('a client certificate admits to sending without a token, one of another authority does not', async () => {
  const [server1, client, stranger] = ['server', 'client', 'stranger'].map((name) => writeCertificate(dir, name))
  if (server1 === undefined || client === undefined || stranger === undefined) throw new Error('no certificates')
  const token = writeToken(tokensFile, ['read'])
  const tls = ['--tls-cert', server1.certFile, '--tls-key', server1.keyFile, '--tls-client-ca', client.certFile]
  await using server = await startSpanlink({ args: [...tls, '--tokens', tokensFile], token })
  const send = async (files: typeof client | undefined): Promise<number> => {
    const identity = files && { cert: await readFile(files.certFile), key: await readFile(files.keyFile) }
    return await new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/x-protobuf' }
      const options = { method: 'POST', headers, agent: false, rejectUnauthorized: false, ...identity }
      const sent = requestHttps(`${server.otlpHttp}/v1/traces`, options, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      sent.once('error', reject)
      sent.end(encodeTraces(tracesOf('a', [span])))
    })
  }
  expect(await send(client)).toBe(200)
  expect(await send(stranger)).toBe(401)
  expect(await send(undefined)).toBe(401)
})

test('a token beyond its spans per second gets 429 with a delay, and others do not', async () => {
  const limited = writeToken(tokensFile, ['ingest'], { limits: { spansPerSecond: 1 } })
  const free = writeToken(tokensFile, ['ingest'])
  const token = writeToken(tokensFile, ['read'])
  await using server = await startSpanlink({ args: ['--tokens', tokensFile], token })
  const spans = Array.from({ length: 50 }, (_, at) => ({ ...span, spanId: `${at + 10}`.padStart(16, '0') }))
  const send = (as: string): Promise<Response> =>
    fetch(`${server.otlpHttp}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', authorization: `Bearer ${as}` },
      body: Buffer.from(encodeTraces(tracesOf('a', spans))),
    })
  expect((await send(limited)).status).toBe(200)
  const refused = await send(limited)
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(30)
  expect((await send(free)).status).toBe(200)
  const metrics = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
  expect(await metrics.text()).toContain('spanlink_receiver_failed_requests_total{reason="rate_limited"} 1')
  expect(readTokenFile(tokensFile)).toHaveLength(3)
})

function statusOf(url: string, headers: Readonly<Record<string, string>>, body?: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: body === undefined ? 'GET' : 'POST', headers, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.once('error', reject)
    sent.end(body)
  })
}
