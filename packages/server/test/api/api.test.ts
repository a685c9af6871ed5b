import { existsSync } from 'node:fs'
import { randomTraceId, tracesOf } from '@spanlink/testkit/otlp'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'
import { waitUntilStored } from '@spanlink/testkit/stored-traces'
import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { linkTo, MS, nowNano, span } from '../query/order-spans.ts'

const pagesAreBuilt = existsSync(new URL('../../dist/ui/index.html', import.meta.url))
let spanlink: SpanlinkServer
const start = nowNano()
const send = span({ name: 'send orders', kind: 4, start })
const pay = span({ name: 'process orders', kind: 5, start: start + 9n * MS, links: [linkTo(send)] })

beforeAll(async () => {
  spanlink = await startSpanlink()
  await spanlink.sendSpans(tracesOf('gateway', [send]))
  await spanlink.sendSpans(tracesOf('payment', [pay]))
  await waitUntilStored(spanlink)
})
afterAll(() => spanlink.stop())

type JsonResponse = { readonly status: number; readonly type: string | null; readonly body: Record<string, unknown> }

async function get(path: string, headers: Record<string, string> = {}): Promise<JsonResponse> {
  const response = await fetch(spanlink.url + path, { headers })
  return { status: response.status, type: response.headers.get('content-type'), body: (await response.json()) as never }
}

test('a ready server reports its engine, ingest, store and endpoints in the status', async () => {
  expect(await get('/api/ready')).toMatchObject({ status: 200, body: { ready: true } })
  const { body } = await get('/api/status')
  expect(body).toMatchObject({
    engine: { mode: 'embedded', state: 'ready', restarts: 0 },
    ingest: { requests: 2, spans: 2, rejectedSpans: 0 },
    store: { spans: 2, links: 1, traces: 2 },
    endpoints: { ui: spanlink.url, otlpHttp: spanlink.otlpHttp },
  })
})

test('services and operations are listed with the time range searched', async () => {
  const all = { searched: { start: '0', end: expect.stringMatching(/^[0-9]{19}$/) }, complete: true }
  expect((await get('/api/services')).body).toEqual({ services: ['gateway', 'payment'], ...all })
  expect((await get('/api/operations?service=payment')).body).toEqual({
    operations: [{ service: 'payment', name: 'process orders', kind: 'consumer' }],
    ...all,
  })
})

test('a trace is searched, opened and followed along its links in both directions', async () => {
  const found = await get(`/api/traces?service=gateway&operation=send%20orders&minDuration=1ms&limit=1`)
  expect(found.body).toMatchObject({ traces: [{ traceId: send.traceId, linksIn: 1, linksOut: 0 }] })
  const opened = await get(`/api/traces/${send.traceId.toUpperCase()}`)
  expect(opened.body).toMatchObject({ traceId: send.traceId, spans: [{ spanId: send.spanId, backlinkCount: 1 }] })
  const back = await get(`/api/traces/${send.traceId}/links?direction=in`)
  expect(back.body).toMatchObject({
    total: 1,
    links: [{ peer: { service: 'payment', name: 'process orders' }, queueTimeNano: '4000000' }],
  })
  const out = await get(`/api/traces/${pay.traceId}/links?direction=out&spanId=${pay.spanId}`)
  expect(out.body).toMatchObject({ total: 1, links: [{ peerTraceId: send.traceId, peer: { service: 'gateway' } }] })
})

const someTrace = randomTraceId()
test.each([
  ['/api/traces?limit=0', 'limit'],
  ['/api/traces?limit=501', 'limit'],
  ['/api/traces?limit=ten', 'limit'],
  ['/api/traces?limit=1e400', 'limit'],
  [`/api/logs?limit=${'9'.repeat(400)}`, 'limit'],
  ['/api/traces?limit=', 'limit'],
  ['/api/traces?status=bad', 'status'],
  ['/api/traces?minDuration=5', 'minDuration'],
  ['/api/traces?maxDuration=-5ms', 'maxDuration'],
  ['/api/traces?minDuration=2s&maxDuration=1s', 'minDuration'],
  ['/api/traces?start=yesterday', 'start'],
  ['/api/traces?end=99999999999999999999', 'end'],
  ['/api/traces?start=5&end=5', 'start'],
  ['/api/traces?start=5&end=0', 'start'],
  ['/api/traces?service=', 'service'],
  ['/api/traces?service=a&service=b', 'service'],
  ['/api/traces?servcie=a', 'servcie'],
  ['/api/traces?__proto__=a', '__proto__'],
  ['/api/services?x=1', 'x'],
  ['/api/operations?service=', 'service'],
  ['/api/traces/123', 'traceId'],
  [`/api/traces/${'g'.repeat(32)}`, 'traceId'],
  [`/api/traces/${someTrace}?x=1`, 'x'],
  [`/api/traces/${someTrace}/links?direction=up`, 'direction'],
  [`/api/traces/${someTrace}/links?spanId=1`, 'spanId'],
  [`/api/traces/${someTrace}/links?limit=1001`, 'limit'],
])('GET %s returns 400 with the parameter %s', async (path, parameter) => {
  expect(await get(path)).toMatchObject({
    status: 400,
    type: expect.stringContaining('application/problem+json'),
    body: { status: 400, parameter, title: expect.any(String), detail: expect.any(String) },
  })
})

test.each(['((a{100}){100}){100}', '(((((a{9}){9}){9}){9}){9}){9}', '[\\pL]{1000}'])(
  'a TraceQL query with a regular expression too large for RE2, %s, returns 400',
  async (pattern) => {
    const q = encodeURIComponent(`{ name =~ ${JSON.stringify(pattern)} }`)
    expect(await get(`/api/traces?q=${q}`)).toMatchObject({ status: 400, body: { detail: expect.stringMatching(/./) } })
  },
)

test.each([`/api/traces/${someTrace}`, `/api/traces/${someTrace}/links`, '/api', '/api/', '/api/nothing?x=1'])(
  'GET %s returns 404 as application/problem+json',
  async (path) => {
    expect(await get(path, { accept: 'text/html' })).toMatchObject({
      status: 404,
      type: expect.stringContaining('application/problem+json'),
      body: { status: 404 },
    })
  },
)

test.each([
  ['/api/traceql/series?q={}|rate()&step=5x', 'invalid step "5x": expected a duration such as 250us, 1.5ms or 1h'],
  ['/api/traces?start=today', 'invalid start "today": expected Unix nanoseconds'],
  ['/api/traces/xyz', 'invalid traceId "xyz": expected 32 hex digits'],
  [`/api/traces/${'a'.repeat(32)}/spans/1`, 'invalid spanId "1": expected 16 hex digits'],
])('GET %s returns 400 with the value and what was expected', async (path, detail) => {
  expect(await get(path)).toMatchObject({ status: 400, body: { detail } })
})

test.each(['1d', '1h30m', '.5h'])('durations of parameters have the units of TraceQL: %s', async (duration) => {
  expect(await get(`/api/traces?minDuration=${duration}`)).toMatchObject({ status: 200 })
  expect(await get(`/api/traceql/series?q={}|rate()&step=${duration}`)).toMatchObject({ status: 200 })
})

test('an invalid URL path returns a 400 problem, and an unsupported method a 404 problem', async () => {
  expect(await get('/api/traces/%zz')).toMatchObject({ status: 400, body: { status: 400 } })
  const posted = await fetch(`${spanlink.url}/api/traces`, { method: 'POST', body: '{' })
  expect([posted.status, posted.headers.get('content-type')]).toEqual([404, expect.stringContaining('problem+json')])
})

test('/api/openapi.json describes the paths and parameters of the API', async () => {
  const { body } = await get('/api/openapi.json')
  expect(Object.keys(body['paths'] as object)).toEqual(
    expect.arrayContaining(['/api/ready', '/api/traces', '/api/traces/{traceId}', '/api/traces/{traceId}/links']),
  )
  expect(body).toMatchObject({
    openapi: '3.1.0',
    paths: {
      '/api/traces': {
        get: { parameters: expect.arrayContaining([expect.objectContaining({ name: 'minDuration' })]) },
      },
    },
  })
})

test('a request on loopback with a foreign Host header returns 403', async () => {
  const status = (host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      request(`${spanlink.url}/api/services`, { headers: { host } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
  expect(await status('evil.example')).toBe(403)
  expect(await status('localhost:4319')).toBe(200)
})

test('every page path serves the application with a content security policy, and a missing asset returns 404', async () => {
  for (const path of ['/', `/trace/${someTrace}`]) {
    const response = await fetch(spanlink.url + path, { headers: { accept: 'text/html' } })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain('text/html')
    expect(response.headers.get('content-security-policy')).toContain("script-src 'self'")
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(await response.text()).toContain('Spanlink')
  }
  const missing = await fetch(`${spanlink.url}/assets/missing.js`)
  expect(missing.status).toBe(404)
  expect((await fetch(`${spanlink.url}/../../package.json`)).status).toBe(404)
  expect((await fetch(`${spanlink.url}/%2e%2e/%2e%2e/package.json`)).status).not.toBe(200)
})

test.runIf(pagesAreBuilt)('hashed assets are immutable in the HTTP cache, and the page is revalidated', async () => {
  const page = await fetch(spanlink.url, { headers: { accept: 'text/html' } })
  const asset = /\/assets\/[\w.-]+\.js/.exec(await page.text())?.[0]
  expect(page.headers.get('cache-control')).toBe('no-cache')
  const script = await fetch(spanlink.url + (asset ?? ''))
  expect(script.headers.get('content-type')).toContain('javascript')
  expect(script.headers.get('cache-control')).toContain('immutable')
})

test('queries return 503 with Retry-After while the engine restarts, and 200 afterwards', async () => {
  const pid = await spanlink.enginePid()
  process.kill(pid ?? 0, 'SIGKILL')
  let unavailable: Response | undefined
  for (;;) {
    const response = await fetch(`${spanlink.url}/api/services`)
    if (response.status !== 200) unavailable = response
    else if (unavailable !== undefined) break
  }
  expect([unavailable.status, unavailable.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await get('/api/status')).toMatchObject({
    body: { engine: { state: 'ready', restarts: 1 }, store: { spans: 2 } },
  })
})
