// The files of deploy/grafana, with the requests that Grafana would send for them.
import { kv, type OtlpSpan, tracesOf } from '@spanlink/testkit/otlp'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'
import { waitUntilStored } from '@spanlink/testkit/stored-traces'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { linkTo, MS, nowNano, span } from '../query/order-spans.ts'
import { type Dashboard, interpolate, parseYaml, readGrafanaFile, type Target } from './grafana-files.ts'
import { connectStreaming, fromJson, type Message, type StreamingClient } from './streaming-client.ts'

const dashboard = JSON.parse(readGrafanaFile('dashboards/spanlink.json')) as Dashboard
const targets = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map((target) => [title, target] as const))

let spanlink: SpanlinkServer
let client: StreamingClient
const now = nowNano()

const message = (topic: string, operation: string, group?: string): OtlpSpan['attributes'] => [
  kv('messaging.system', 'kafka'),
  kv('messaging.destination.name', topic),
  kv('messaging.operation.type', operation),
  ...(group === undefined ? [] : [kv('messaging.consumer.group.name', group), kv('messaging.batch.message_count', 3)]),
]

beforeAll(async () => {
  spanlink = await startSpanlink()
  for (let minute = 1; minute <= 20; minute++) {
    const start = now - BigInt(minute) * 60_000n * MS
    const request = span({ name: 'POST /orders', kind: 2, start })
    const child = { traceId: request.traceId, parentSpanId: request.spanId }
    const send = span({ name: 'send orders', kind: 4, start, ...child, attributes: message('orders', 'send') })
    const consume = (topic: string, target: typeof send, at: bigint, error = false) =>
      span({
        name: `process ${topic}`,
        kind: 5,
        start: at,
        duration: 1500n * MS,
        links: [linkTo(target)],
        attributes: message(topic, 'process', 'payment'),
        ...(error && { status: { code: 2, message: 'declined' } }),
      })
    const first = consume('orders', send, start + 50n * MS, true)
    const forward = (topic: string, from: typeof first) =>
      span({
        name: `send ${topic}`,
        kind: 4,
        start: BigInt(from.startTimeUnixNano ?? 0) + 9n * MS,
        traceId: from.traceId,
        parentSpanId: from.spanId,
        attributes: message(topic, 'send'),
      })
    const retry = forward('orders.retry', first)
    const second = consume('orders.retry', retry, start + 200n * MS, true)
    const dead = forward('orders.DLQ', second)
    await spanlink.sendSpans(tracesOf('gateway', [request, send]))
    await spanlink.sendSpans(tracesOf('payment', [first, retry, second, dead]))
  }
  await waitUntilStored(spanlink)
  client = connectStreaming(spanlink.url)
})
afterAll(async () => {
  client?.[Symbol.dispose]()
  await spanlink?.stop()
})

test('the provisioned datasources are those of the dashboard, with streaming, and paths of this server', async () => {
  const file = parseYaml(readGrafanaFile('provisioning/datasources/spanlink.yaml')) as {
    readonly apiVersion: string
    readonly datasources: readonly { readonly uid: string; readonly type: string; readonly url: string }[]
  }
  expect(file.apiVersion).toBe('1')
  expect(file.datasources).toMatchObject([
    { uid: 'spanlink', type: 'tempo', jsonData: { streamingEnabled: { search: 'true', metrics: 'true' } } },
    { uid: 'spanlink-jaeger', type: 'jaeger' },
  ])
  const checks = { tempo: '/api/echo', jaeger: '/api/services' } as const
  for (const { url, type } of file.datasources) {
    const base = url.replace('${SPANLINK_URL}', spanlink.url)
    expect((await fetch(`${base}${checks[type as keyof typeof checks]}`)).status).toBe(200)
  }
  const uids = new Set(file.datasources.map(({ uid }) => uid))
  for (const [, { datasource }] of targets) expect(uids).toContain(datasource.uid)
})

test('the provisioned dashboards are read from the mounted directory', () => {
  const { providers } = parseYaml(readGrafanaFile('provisioning/dashboards/spanlink.yaml')) as {
    readonly providers: readonly { readonly options: { readonly path: string } }[]
  }
  const [provider] = providers
  expect(providers).toHaveLength(1)
  expect(readGrafanaFile('README.md')).toContain(`dashboards:${provider?.options.path}`)
})

test('the panels of the dashboard have unique ids, do not overlap and name their datasource', () => {
  const { panels } = dashboard
  expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36)
  expect(dashboard.uid).toMatch(/^[\w-]{1,40}$/)
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
    expect(x + w).toBeLessThanOrEqual(24)
    return Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`)
  })
  expect(new Set(cells).size).toBe(cells.length)
  for (const { type, datasource, targets: own = [] } of panels) {
    expect([type, own.length > 0, datasource?.uid]).toEqual(
      type === 'row' ? ['row', false, undefined] : [type, true, 'spanlink'],
    )
  }
})

test('the variables of the dashboard list services and topics', async () => {
  const listed: Record<string, string[]> = {}
  for (const { name, query } of dashboard.templating.list) {
    if (typeof query === 'string') continue
    const { tagValues } = (await spanlink.getJson(`/tempo/api/v2/search/tag/${query.label}/values`)) as {
      readonly tagValues: readonly { readonly value: string }[]
    }
    listed[name] = tagValues.map(({ value }) => value).toSorted()
  }
  expect(listed).toEqual({ service: ['gateway', 'payment'], topic: ['orders', 'orders.DLQ', 'orders.retry'] })
})

const selections = {
  'all services and topics': {},
  'some services and topics': { service: ['gateway', 'payment'], topic: ['orders', 'orders.retry'] },
}

test.each(
  Object.entries(selections).flatMap(([what, selected]) =>
    targets.map(([title, target]) => [title, what, target, selected] as const),
  ),
)('the panel "%s" has data for %s, streamed and over HTTP', async (_title, _what, target, selected) => {
  const defaults = dashboard.templating.list.map(({ name, allValue, current: { value } }) => [
    name,
    allValue === undefined ? [value].flat() : [allValue],
  ])
  const query = interpolate(target.query, { ...Object.fromEntries(defaults), ...selected })
  const { streamed, list, response } = await request(target, query)
  expect(streamed).toEqual(response)
  expect((streamed[list] as object[] | undefined)?.length ?? 0).toBeGreaterThan(0)
})

type Answers = { readonly streamed: Message; readonly response: Message; readonly list: 'traces' | 'series' }

/** Sends the request of a panel for the last hour in both ways. */
async function request({ metricsQueryType, limit, spss, exemplars = 0 }: Target, query: string): Promise<Answers> {
  const [end, start] = [now / 1_000_000_000n, now / 1_000_000_000n - 3600n]
  const range = { start: String(start), end: String(end) }
  const get = async (path: string, more: Readonly<Record<string, string>>): Promise<unknown> =>
    await spanlink.getJson(`/tempo/api${path}?${new URLSearchParams({ q: query, ...range, ...more })}`)
  if (metricsQueryType === undefined) {
    const messages = await client.call('Search', { Query: query, Limit: limit, SpansPerSpanSet: spss, ...range })
    const json = await get('/search', { limit: String(limit), spss: String(spss) })
    return { streamed: messages.at(-1) ?? {}, response: fromJson('SearchResponse', json), list: 'traces' }
  }
  const nanos = { query, start: `${start}000000000`, end: `${end}000000000` }
  if (metricsQueryType === 'instant') {
    const [streamed = {}] = await client.call('MetricsQueryInstant', nanos)
    return { streamed, response: fromJson('QueryInstantResponse', await get('/metrics/query', {})), list: 'series' }
  }
  const [streamed = {}] = await client.call('MetricsQueryRange', { ...nanos, step: '60000000000', exemplars })
  const json = await get('/metrics/query_range', { step: '60s', exemplars: String(exemplars) })
  return { streamed, response: fromJson('QueryRangeResponse', json), list: 'series' }
}
