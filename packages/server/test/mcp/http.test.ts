import { mkdtemp, rm } from 'node:fs/promises'
import { request as requestHttp } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSpanlink, type SpanlinkServer } from '@spanlink/testkit/spanlink'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startApi } from '../../src/http/server.ts'
import { startIngest } from '../../src/receivers/ingest.ts'
import { writeToken } from '../access/write-token.ts'
import { openTestStore } from '../query/stored-traces.ts'
import { connectHttp, connectStdio } from './connect.ts'

let dir: string
let server: SpanlinkServer
let read: string
let ingest: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-mcp-'))
  const tokensFile = join(dir, 'tokens.json')
  read = writeToken(tokensFile, ['read'])
  ingest = writeToken(tokensFile, ['ingest'])
  const args = ['--tokens', tokensFile, '--base-path', '/tracing', '--allowed-hosts', 'traces.example']
  server = await startSpanlink({ args, token: read })
})

afterAll(async () => {
  await server?.stop()
  await rm(dir, { recursive: true, force: true })
})

const LIST = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} })

type Sent = { readonly method?: string; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }

/** Unlike `fetch`, sends any Host and Origin. */
async function send({ method = 'POST', body = LIST, headers = {} }: Sent) {
  return await new Promise<{ status: number; headers: Readonly<Record<string, unknown>>; text: string }>(
    (resolve, reject) => {
      const all = {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${read}`,
        ...headers,
      }
      const sent = requestHttp(`${server.url}/mcp`, { method, headers: all, agent: false }, (response) => {
        let text = ''
        response.on('data', (chunk) => (text += String(chunk)))
        response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
      })
      sent.once('error', reject)
      sent.end(method === 'GET' ? undefined : body)
    },
  )
}

test('a request needs a token with the role read', async () => {
  expect(await send({})).toMatchObject({ status: 200 })
  const without = await send({ headers: { authorization: '' } })
  expect(without).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer realm="Spanlink"' } })
  expect((await send({ headers: { authorization: 'Bearer spanlink_abcdefgh_x' } })).status).toBe(401)
  const denied = await send({ headers: { authorization: `Bearer ${ingest}` } })
  expect([denied.status, denied.text]).toEqual([403, expect.stringContaining('role read')])
})

test('the client is refused without a token, and its tools read with the token that it sends', async () => {
  await expect(connectHttp(server.url)).rejects.toThrow(/401|Unauthorized/)
  await using connection = await connectHttp(server.url, read)
  expect(await connection.call('search_traces')).toMatchObject({ isError: false })
})

test('spanlink mcp sends its token, and tells the agent of a missing one', async () => {
  await using connection = await connectStdio(server.url, read)
  expect(await connection.call('search_traces')).toMatchObject({ isError: false })
  await using other = await connectStdio(server.url, 'spanlink_abcdefgh_x')
  const { text, isError } = await other.call('search_traces')
  expect([isError, text]).toEqual([true, expect.stringContaining('requires a valid token')])
})

test('a page of another name or origin gets nothing', async () => {
  expect((await send({ headers: { host: 'evil.example' } })).status).toBe(403)
  expect((await send({ headers: { origin: 'http://evil.example' } })).status).toBe(403)
  expect((await send({ headers: { host: 'traces.example', origin: 'http://traces.example' } })).status).toBe(200)
})

test('links to pages have the host of the request and the base path', async () => {
  const call = { name: 'get_topology', arguments: {} }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call })
  const { text } = await send({ body, headers: { host: 'traces.example' } })
  expect(text).toContain('Page: http://traces.example/tracing/topology?last=1h')
  expect((await fetch(`${server.url}/tracing/mcp`, { method: 'POST' })).status).toBe(401)
})

test.each(['GET', 'DELETE'])('%s is refused: there are no sessions', async (method) => {
  expect(await send({ method, body: '' })).toMatchObject({ status: 405, headers: { allow: 'POST' } })
})

test.each([
  ['invalid JSON', '{"jsonrpc": ', 400, -32700],
  ['an empty body', '', 400, -32700],
  ['a batch', `[${LIST}, ${LIST}]`, 400, -32600],
  ['JSON that is no message', '{"a": 1}', 400, -32600],
  ['a number', '1', 400, -32600],
])('%s is a JSON-RPC error', async (_name, body, status, code) => {
  const response = await send({ body })
  const { error } = JSON.parse(response.text) as { readonly error: { readonly code: number } }
  expect([response.status, error.code]).toEqual([status, code])
})

test('another content type, and a body above the limit, are refused', async () => {
  expect((await send({ headers: { 'content-type': 'text/plain' } })).status).toBe(415)
  expect((await send({ body: ' '.repeat(300_000) + LIST })).status).toBe(413)
})

test('deeply nested arguments are a tool error', async () => {
  const nested = '['.repeat(50_000) + ']'.repeat(50_000)
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_flow","arguments":{"traceId":${nested}}}}`
  const { text } = await send({ body })
  expect(text).toContain('expected 32 hex digits')
  expect((await send({})).status).toBe(200)
})

test('an unknown method is a JSON-RPC error, and a subscription is refused', async () => {
  for (const method of ['resources/list', 'subscriptions/listen']) {
    const { text } = await send({ body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: {} }) })
    expect(text).toContain('"error"')
  }
})

test('a call whose client disconnects cancels its query', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'spanlink-mcp-cancel-'))
  const store = await openTestStore(dataDir)
  const signals: AbortSignal[] = []
  const hanging: typeof store = {
    ...store,
    query: async (_sql, _params, { signal } = {}) => {
      if (signal !== undefined) signals.push(signal)
      return await new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    },
  }
  const receiver = await startIngest({ dataDir, store, otlpHttpPort: 0 })
  const common = { version: '0', host: '127.0.0.1', port: 0, draining: () => false, log: () => {} }
  const api = await startApi({ ...common, store: hanging, ingest: receiver })
  try {
    const connection = await connectHttp(api.url)
    const leaving = new AbortController()
    const call = connection.call('get_topology', {}, leaving.signal).catch(() => {})
    await vi.waitUntil(() => signals.length > 0, { timeout: 10_000 })
    leaving.abort()
    await connection[Symbol.asyncDispose]()
    await vi.waitFor(() => expect(signals.map(({ aborted }) => aborted)).not.toContain(false), 10_000)
    await call
  } finally {
    await api.close()
    await receiver.drain(1000)
    await store.close()
    await rm(dataDir, { recursive: true, force: true })
  }
})
