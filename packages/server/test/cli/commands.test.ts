import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type {
  FlowResponse,
  SeriesResponse,
  TopologyResponse,
  TraceResponse,
  TracesResponse,
} from '@spanlink/api-schema'
import { kv, tracesOf } from '@spanlink/testkit/otlp'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { fetchWholeFlow } from '../../src/cli/commands/fetch-whole-flow.ts'
import { linkTo, MS, nowNano, span } from '../query/order-spans.ts'

// Each test starts processes, which takes up to half a minute under load.
vi.setConfig({ testTimeout: 120_000 })

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const topic = [kv('messaging.system', 'kafka'), kv('messaging.destination.name', 'orders')]
const start = nowNano() - 1000n * MS
const post = span({ name: 'POST /orders', kind: 2, start, duration: 20n * MS })
const send = span({
  traceId: post.traceId,
  parentSpanId: post.spanId,
  name: 'send orders',
  kind: 4,
  start: start + 2n * MS,
  attributes: [...topic, kv('messaging.operation.type', 'send')],
})
const pay = span({
  name: 'process orders',
  kind: 5,
  start: start + 40n * MS,
  duration: 30n * MS,
  links: [linkTo(send, 7)],
  events: [{ name: 'exception', timeUnixNano: String(start + 41n * MS), attributes: [kv('attempt', 2)] }],
  attributes: [
    ...topic,
    kv('messaging.operation.type', 'process'),
    kv('messaging.consumer.group.name', 'payments'),
    kv('amount', 1.5),
    kv('big', 9_007_199_254_740_993n),
    kv('tags', ['a', 'b']),
  ],
  status: { code: 2, message: 'card declined' },
})
const hostile = span({ name: 'evil \u001b[2J\u202e name\n', kind: 1, start })

let spanlink: SpanlinkServer
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-commands-'))
  spanlink = await startSpanlink()
  await spanlink.sendSpans(tracesOf('gateway', [post, send, hostile]))
  await spanlink.sendSpans(tracesOf('payment', [pay]))
  await stored(spanlink, 4)
})
afterAll(async () => {
  await spanlink.stop()
  await rm(dir, { recursive: true })
})

async function stored(server: SpanlinkServer, spans: number): Promise<void> {
  const isThere = async () =>
    expect(await server.getJson('/api/status')).toMatchObject({ store: { spans }, journal: { segments: 0 } })
  await vi.waitUntil(
    () =>
      isThere().then(
        () => true,
        () => false,
      ),
    { timeout: 60_000, interval: 50 },
  )
}

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

function launch(args: readonly string[], url: string, env: Readonly<Record<string, string>>) {
  return spawn(process.execPath, ['--conditions=spanlink:source', main, ...args], {
    stdio: 'pipe',
    env: { ...process.env, SPANLINK_URL: url, COLUMNS: '100', ...env },
  })
}

async function run(
  args: readonly string[],
  url = spanlink.url,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = launch(args, url, env)
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (data: Buffer) => out.push(data))
  child.stderr.on('data', (data: Buffer) => err.push(data))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }
}

test('spanlink trace prints a waterfall with links in both directions', async () => {
  const { code, stdout } = await run(['trace', post.traceId.toUpperCase()])
  expect(code).toBe(0)
  expect(stdout).toContain(`Trace ${post.traceId}\n`)
  expect(stdout).toMatch(/gateway POST \/orders +█+ +20\.0 ms/)
  expect(stdout).toMatch(/└ gateway send orders +[▐█▌]+ +5\.00 ms/)
  expect(stdout).toContain('→ 1 link in\n')
  expect(stdout).toContain(`→ payment process orders · queue time 33.0 ms · trace ${pay.traceId}`)
  expect(stdout.split('\n').every((line) => line.length <= 100)).toBe(true)
  const consumer = await run(['trace', pay.traceId])
  expect(consumer.stdout).toContain(`← gateway send orders · queue time 33.0 ms · trace ${post.traceId}`)
  expect(consumer.stdout).toContain('✗ card declined')
})

test('output to a pipe is coloured only with FORCE_COLOR', async () => {
  expect((await run(['trace', post.traceId])).stdout).not.toContain('\u001b')
  expect((await run(['trace', post.traceId], spanlink.url, { FORCE_COLOR: '1' })).stdout).toContain('\u001b[38;5;')
})

test('control and bidirectional characters in span names are replaced in the output', async () => {
  const { stdout } = await run(['trace', hostile.traceId])
  expect(stdout).toContain('evil ␛[2J\u{fffd} name␊')
})

test('spanlink flow prints each lane, the queue time before it and the critical path', async () => {
  const { code, stdout } = await run(['flow', post.traceId])
  expect(code).toBe(0)
  expect(stdout).toMatch(/gateway POST \/orders +█+/)
  expect(stdout).toMatch(/✗ payment process orders +┈+█+ +30\.0 ms/)
  expect(stdout).toMatch(/◆ orders.*queue time 33\.0 ms · from gateway send orders/)
  expect(stdout).toMatch(/Critical path ◆ 70\.0 ms/)
  const { stdout: json } = await run(['flow', post.traceId, '--json'])
  expect((JSON.parse(json) as FlowResponse).lanes).toHaveLength(2)
})

test('spanlink query lists matching traces, and exits with code 3 when none match', async () => {
  const found = await run(['query', '{ status = error }'])
  expect(found).toMatchObject({ code: 0, stdout: expect.stringContaining(pay.traceId) })
  expect(found.stdout).not.toContain(post.traceId)
  expect(await run(['query', '{ name = "nothing" }'])).toMatchObject({
    code: 3,
    stdout: '',
    stderr: 'No trace matches.\n',
  })
  expect(await run(['query', '{ name = }'])).toMatchObject({ code: 2, stderr: expect.stringContaining('column 10') })
})

test('spanlink query --all loads all pages, up to --limit traces', async () => {
  const ids = async (...args: string[]): Promise<readonly string[]> => {
    const { stdout } = await run(['query', '{ }', ...args])
    return stdout.match(/^[0-9a-f]{32}/gm) ?? []
  }
  const whole = await ids()
  expect(whole).toHaveLength(3)
  expect(await ids('--all')).toEqual(whole)
  expect(await ids('--all', '--limit', '2')).toEqual(whole.slice(0, 2))
  const cut = await run(['query', '{ }', '--limit', '1'])
  expect(cut).toMatchObject({ code: 0, stderr: expect.stringContaining('--all') })
  const json = await run(['query', '{ }', '--all', '--json'])
  const response = JSON.parse(json.stdout) as TracesResponse
  expect(response.traces.map(({ traceId }) => traceId)).toEqual(whole)
  expect([response.hasMore, response.nextCursor, json.stderr]).toEqual([undefined, undefined, ''])
})

test('spanlink query exits with code 1 for a valid query with too many intervals', async () => {
  const range = ['--since', '30d', '--step', '1s']
  expect(await run(['query', '{ } | rate()', ...range])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Choose a longer step'),
  })
})

test('a metrics query prints one line with bars per series', async () => {
  const query = '{ } | count_over_time() by (resource.service.name)'
  const { code, stdout } = await run(['query', query, '--since', '1h', '--step', '10m'])
  expect(code).toBe(0)
  expect(stdout).toContain('2 series\n')
  expect(stdout).toMatch(/resource\.service\.name=gateway.*█.* 3 +\d+\n/)
  expect(stdout).toMatch(/resource\.service\.name=payment.*█.* 1 +\d+\n/)
  expect(stdout.split('\n').every((line) => line.length <= 100)).toBe(true)
  const { stdout: json } = await run(['query', query, '--json'])
  expect((JSON.parse(json) as SeriesResponse).series).toHaveLength(2)
  expect(await run(['query', '{ name = "nothing" } | max_over_time(duration)'])).toMatchObject({ code: 3, stdout: '' })
})

const MORE_TRACES = 'Some traces omitted: --all shows them.\n'

test('spanlink flow --all joins the pages of a flow to the whole flow', async () => {
  const [whole, paged, first] = await Promise.all([
    run(['flow', post.traceId, '--json']),
    run(['flow', post.traceId, '--json', '--all', '--max-traces', '1']),
    run(['flow', post.traceId, '--max-traces', '1']),
  ])
  const [one, other] = [whole, paged].map(({ stdout }) => JSON.parse(stdout) as FlowResponse)
  expect(other?.lanes.map((lane) => lane.id)).toEqual(one?.lanes.map((lane) => lane.id))
  expect(other?.edges.map((edge) => edge.id)).toEqual(one?.edges.map((edge) => edge.id))
  expect(other?.criticalPath).toEqual(one?.criticalPath)
  expect(first).toMatchObject({ code: 0, stdout: expect.not.stringContaining('--all'), stderr: MORE_TRACES })
  expect(paged.stderr).toBe('')
  expect((await run(['flow', post.traceId, '--limit', '1'])).stdout).toContain('1 more lane: --limit shows more.')
})

test('fetchWholeFlow stops at the maximum number of traces', async () => {
  const page = async (cursor: string | undefined): Promise<FlowResponse> =>
    (await spanlink.getJson(
      `/api/flows/${post.traceId}?maxTraces=1${cursor === undefined ? '' : `&cursor=${cursor}`}`,
    )) as FlowResponse
  const [cut, whole] = await Promise.all([fetchWholeFlow(page, 1), fetchWholeFlow(page, 2)])
  expect([cut.lanes.length, typeof cut.nextCursor]).toEqual([1, 'string'])
  expect([whole.lanes.length, whole.nextCursor]).toEqual([2, undefined])
})

test('spanlink trace --limit prints the number of spans left out', async () => {
  const { stdout } = await run(['trace', post.traceId, '--limit', '1'])
  expect(stdout).toContain('POST /orders')
  expect(stdout).not.toContain('send orders')
  expect(stdout).toContain('1 more span: --limit shows more, --all shows all.')
  expect((await run(['trace', post.traceId])).stdout).toContain('send orders')
})

test('spanlink topology prints a table of edges, with lag when it is known', async () => {
  const { code, stdout } = await run(['topology', '--since', '10m'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/service gateway +topic orders/)
  expect(stdout).toMatch(/topic orders +group payments.* 33\.0 ms/)
  expect(stdout).not.toContain('LAG')
  const attributes = [kv('group', 'payments'), kv('topic', 'orders'), kv('partition', '0')]
  const point = { timeUnixNano: String(start), asInt: '1234', attributes }
  const metric = { name: 'kafka.consumer_group.lag', gauge: { dataPoints: [point] } }
  const request = { resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] }
  const headers = { 'content-type': 'application/json' }
  await fetch(`${spanlink.otlpHttp}/v1/metrics`, { method: 'POST', headers, body: JSON.stringify(request) })
  await vi.waitFor(async () => {
    expect((await run(['topology', '--since', '10m'])).stdout).toMatch(/topic orders +group payments.* 1,234$/m)
  }, 60_000)
  const { stdout: json } = await run(['topology', '--json'])
  expect((JSON.parse(json) as TopologyResponse).nodes.map((node) => node.id)).toContain('topic:kafka::orders')
})

test('spanlink tail prints stored and arriving traces, and exits with code 4 when the server stops', async () => {
  await using other = await startSpanlink()
  await other.sendSpans(tracesOf('first', [span({ start: nowNano() })]))
  await stored(other, 1)
  const child = launch(['tail', '{ }', '--json'], other.url, {})
  let stdout = ''
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()))
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  await vi.waitUntil(() => stdout.includes('"first"'), { timeout: 60_000 })
  await other.sendSpans(tracesOf('second', [span({ start: nowNano() })]))
  await vi.waitUntil(() => stdout.includes('"second"'), { timeout: 60_000 })
  await other.stop()
  expect(await ended).toBe(4)
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { rootService: string }).rootService),
  ).toEqual(['first', 'second'])
})

test.concurrent.each([
  [['trace'], 2, 'missing argument ID'],
  [['trace', 'xyz'], 2, 'invalid ID "xyz": expected a trace ID'],
  [['trace', 'f'.repeat(32), '--frob'], 2, '--frob'],
  [['topology', '--since', 'soon'], 2, 'soon'],
  [['query', '{}', '--limit', '0'], 2, 'invalid --limit "0"'],
  [['export', 'f'.repeat(32), '--format', 'xml'], 2, 'xml'],
  [['trace', 'f'.repeat(32)], 3, 'f'.repeat(32)],
  [['export', 'f'.repeat(32)], 3, 'f'.repeat(32)],
  [['trace', 'f'.repeat(32), '--url', 'http://127.0.0.1:1'], 4, 'http://127.0.0.1:1'],
  [['import', '/nowhere.json'], 1, '/nowhere.json'],
])('spanlink %j exits with code %i and one line', async (args, code, named) => {
  const ended = await run(args)
  expect([ended.code, ended.stdout, ended.stderr.trim().split('\n').length]).toEqual([code, '', 1])
  expect(ended.stderr).toContain(named)
})

test('every client command prints its help', async () => {
  const names = ['trace', 'flow', 'query', 'tail', 'topology', 'import', 'export']
  const helps = await Promise.all(names.map((name) => run([name, '--help'])))
  expect(helps.map(({ code }) => code)).toEqual(names.map(() => 0))
  expect(helps.map(({ stdout }) => stdout)).toEqual(names.map((name) => expect.stringContaining(`spanlink ${name}`)))
})

// Concurrent, as are the next two: each waits for a server to start.
test.concurrent('a flow exported as gzipped OTLP and imported into another server is identical', async () => {
  const file = join(dir, 'flow.jsonl.gz')
  expect(await run(['export', post.traceId, '--flow', '--output', file])).toMatchObject({
    code: 0,
    stdout: '',
    stderr: '',
  })
  expect(
    gunzipSync(await readFile(file))
      .toString()
      .trim()
      .split('\n'),
  ).toHaveLength(2)
  await using other = await startSpanlink()
  expect(await run(['import', file], other.url)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('2 requests'),
  })
  await stored(other, 3)
  for (const id of [post.traceId, pay.traceId]) {
    expect(await other.getJson(`/api/traces/${id}`)).toEqual(await spanlink.getJson(`/api/traces/${id}`))
  }
})

test.concurrent.each(['jaeger', 'zipkin'])(
  'a trace exported and imported as %s JSON keeps names, times, parents and status',
  async (format) => {
    const file = join(dir, `${format}.json`)
    expect((await run(['export', post.traceId, pay.traceId, '--format', format, '--output', file])).code).toBe(0)
    await using other = await startSpanlink()
    expect((await run(['import', file], other.url)).code).toBe(0)
    await stored(other, 3)
    const trace = (await other.getJson(`/api/traces/${pay.traceId}`)) as TraceResponse
    const [paid] = trace.spans
    expect(paid).toMatchObject({
      service: 'payment',
      name: 'process orders',
      kind: 'consumer',
      startTimeUnixNano: pay.startTimeUnixNano,
      endTimeUnixNano: pay.endTimeUnixNano,
      status: { code: 'error', message: 'card declined' },
    })
    const { spans } = (await other.getJson(`/api/traces/${post.traceId}`)) as TraceResponse
    expect(spans.map((one) => [one.name, one.parentSpanId])).toEqual([
      ['POST /orders', ''],
      ['send orders', post.spanId],
    ])
    if (format === 'zipkin') return
    expect(paid?.links).toMatchObject([{ traceId: post.traceId, spanId: send.spanId }])
    expect(paid?.attributes).toContainEqual({ key: 'big', value: { intValue: '9007199254740993' } })
    expect(paid?.attributes).toContainEqual({ key: 'amount', value: { doubleValue: 1.5 } })
    expect(paid?.events).toMatchObject([
      { name: 'exception', attributes: [{ key: 'attempt', value: { intValue: '2' } }] },
    ])
  },
)

test.concurrent.each([
  ['/tempo/api/v2/traces/', (json: string) => json],
  ['/tempo/api/traces/', (json: string) => json],
  // OTLP JSON with Tempo's ids, indented, as its command line prints it.
  ['/tempo/api/v2/traces/', (json: string) => JSON.stringify((JSON.parse(json) as { trace: object }).trace, null, 2)],
])('a trace saved from %s is imported with its ids and links', async (path, write) => {
  const file = join(await mkdtemp(join(dir, 'tempo-')), 'trace.json')
  await writeFile(file, write(await (await fetch(`${spanlink.url}${path}${pay.traceId}`)).text()))
  await using other = await startSpanlink()
  expect(await run(['import', file], other.url)).toMatchObject({ code: 0 })
  await stored(other, 1)
  const { spans } = (await other.getJson(`/api/traces/${pay.traceId}`)) as TraceResponse
  expect(spans).toMatchObject([
    {
      spanId: pay.spanId,
      kind: 'consumer',
      status: { code: 'error', message: 'card declined' },
      links: [{ traceId: post.traceId, spanId: send.spanId }],
    },
  ])
})

test.each([
  ['', 'is empty'],
  ['<xml/>', 'Unknown format of'],
  ['{"data":[1]}', 'Unknown format of'],
  ['{"resourceSpans":[]}\n{"resourceSpans":', 'line 2'],
])('spanlink import of a file with %j exits with one line', async (content, named) => {
  const file = join(dir, 'bad.json')
  await writeFile(file, content)
  const { code, stderr } = await run(['import', file])
  expect([code, stderr.trim().split('\n').length]).toEqual([1, 1])
  expect(stderr).toContain(named)
})
