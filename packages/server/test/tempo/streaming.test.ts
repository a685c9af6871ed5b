import { status as grpcStatus, type ServiceError } from '@grpc/grpc-js'
import { kv, tracesOf } from '@spanlink/testkit/otlp'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'
import { waitUntilStored } from '@spanlink/testkit/stored-traces'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { linkTo, MS, nowNano, span } from '../query/order-spans.ts'
import { connectStreaming, fromJson, type Message, type StreamingClient } from './streaming-client.ts'

const now = nowNano()
const seconds = Number(now / 1_000_000_000n)
const HOURS = 6
let spanlink: SpanlinkServer
let client: StreamingClient

const send = span({ name: 'send orders', kind: 4, start: now - 2000n * MS })
const pay = span({
  name: 'process orders',
  kind: 5,
  start: now - 1900n * MS,
  links: [linkTo(send)],
  attributes: [kv('code', 500), kv('done', true), kv('ratio', 0.5), kv('sku', '500'), kv('note', 'x'.repeat(20_000))],
  status: { code: 2, message: 'declined' },
})
/** One trace in each minute of some hours, so that a search has to widen. */
const old = Array.from({ length: HOURS * 60 }, (_, minute) =>
  span({ name: 'tick', start: now - BigInt(minute + 1) * 60_000n * MS, attributes: [kv('minute', minute)] }),
)

beforeAll(async () => {
  spanlink = await startSpanlink()
  await spanlink.sendSpans(tracesOf('gateway', [send]))
  await spanlink.sendSpans(tracesOf('payment', [pay]))
  await spanlink.sendSpans(tracesOf('clock', old))
  await waitUntilStored(spanlink)
  client = connectStreaming(spanlink.url)
})
afterAll(async () => {
  client?.[Symbol.dispose]()
  await spanlink?.stop()
})

const window = { start: seconds - HOURS * 3600 - 60, end: seconds + 60 }

async function getJson(path: string, query: Readonly<Record<string, string | number>>): Promise<unknown> {
  const text = Object.entries(query).map(([name, value]): [string, string] => [name, String(value)])
  return await spanlink.getJson(`/tempo${path}?${new URLSearchParams(text)}`)
}

type SearchMessage = {
  readonly traces?: readonly { readonly traceID: string }[]
  readonly metrics: { readonly inspectedTraces?: number; readonly completedJobs?: number; readonly totalJobs: number }
}

function traceIds(messages: readonly SearchMessage[]): readonly string[] {
  return messages.flatMap(({ traces = [] }) => traces.map(({ traceID }) => traceID))
}

test.each([
  ['{ .code = 500 && status = error }', 3],
  ['{ resource.service.name = "clock" }', 3],
  ['{ name = "send orders" } ->> { status = error }', 3],
  ['{ } | by(resource.service.name) | count() > 0', 10],
])('the last message of a streaming search for %s is the response of the search over HTTP', async (q, spss) => {
  const messages = await client.call('Search', { Query: q, Limit: 20, SpansPerSpanSet: spss, ...window })
  const response = await getJson('/api/search', { q, limit: 20, spss, ...window })
  expect(messages.at(-1)).toEqual(fromJson('SearchResponse', response))
  expect((messages.at(-1) as SearchMessage).traces?.length).toBeGreaterThan(0)
})

test('a streaming search sends traces while it looks further back, each once and in the order of the response', async () => {
  const q = '{ resource.service.name = "clock" && .minute >= 0 }'
  const messages = (await client.call('Search', { Query: q, Limit: 300, ...window })) as unknown as SearchMessage[]
  const [last, partial] = [messages.at(-1) as SearchMessage, messages.slice(0, -1)]
  const sent = traceIds(partial)
  expect(traceIds([last])).toHaveLength(300)
  expect(partial.filter(({ traces = [] }) => traces.length > 0).length).toBeGreaterThan(1)
  expect(new Set(sent).size).toBe(sent.length)
  expect(sent).toEqual(traceIds([last]).slice(0, sent.length))
  const progress = partial.map(({ metrics }) => (metrics.completedJobs ?? 0) / metrics.totalJobs)
  expect(progress).toEqual(progress.toSorted((a, b) => a - b))
  expect(progress.every((share) => share < 1)).toBe(true)
  expect(progress.at(-1)).toBeGreaterThan(0)
  expect(partial.map(({ metrics }) => metrics.inspectedTraces)).toEqual(
    partial.map((_, at) => traceIds(partial.slice(0, at + 1)).length || undefined),
  )
})

test('a streaming search takes the tags, durations and limit of the legacy search', async () => {
  const search = async (request: Message): Promise<readonly string[]> =>
    traceIds((await client.call('Search', { ...window, ...request })).slice(-1) as unknown as SearchMessage[])
  expect(await search({ Tags: { 'service.name': 'payment', code: '500' } })).toEqual([pay.traceId])
  expect(await search({ Tags: { name: 'say "hi" \\' } })).toEqual([])
  expect(await search({ Query: '{ name = "send orders" }', MaxDurationMs: 1 })).toEqual([send.traceId])
  expect(await search({ Tags: { 'service.name': 'gateway' }, MinDurationMs: 4, MaxDurationMs: 6 })).toEqual([
    send.traceId,
  ])
  expect(await search({ Tags: { 'service.name': 'gateway' }, MinDurationMs: 100 })).toEqual([])
  expect(await search({ Limit: 7 })).toHaveLength(7)
  expect(await search({})).toHaveLength(20)
})

test('streamed names and values are those of the HTTP API', async () => {
  const last = async (...call: Parameters<StreamingClient['call']>): Promise<Message> => {
    const messages = await client.call(...call)
    expect(messages).toHaveLength(1)
    return messages[0] ?? {}
  }
  const time = { start: window.start, end: window.end }
  // The JSON has an empty object, which Tempo's messages leave out.
  const without = (message: Message): Message =>
    Object.fromEntries(Object.entries(message).filter(([name]) => name !== 'metrics'))
  expect(await last('SearchTags', time)).toEqual(
    without(fromJson('SearchTagsResponse', await getJson('/api/search/tags', time))),
  )
  expect(await last('SearchTagsV2', time)).toEqual(
    without(fromJson('SearchTagsV2Response', await getJson('/api/v2/search/tags', time))),
  )
  expect(await last('SearchTagsV2', { ...time, scope: 'span', query: '{ name = "process orders" }' })).toEqual({
    scopes: [{ name: 'span', tags: expect.arrayContaining(['code', 'note']) }],
  })
  expect(await last('SearchTagValues', { ...time, tagName: 'service.name' })).toEqual({
    tagValues: expect.arrayContaining(['gateway', 'payment', 'clock']),
  })
  expect(await last('SearchTagValuesV2', { ...time, tagName: 'span.code' })).toEqual({
    tagValues: [{ type: 'int', value: '500' }],
  })
  expect(await last('SearchTagValuesV2', { ...time, tagName: 'span.minute', maxTagValues: 3 })).toEqual(
    without(
      fromJson(
        'SearchTagValuesV2Response',
        await getJson('/api/v2/search/tag/span.minute/values', { ...time, limit: 3 }),
      ),
    ),
  )
})

test('streamed series are those of the HTTP API, with exemplars and typed labels', async () => {
  const [start, end] = [String(now - 7_200_000n * MS), String(now + 60_000n * MS)]
  const ranges = [
    ['{ } | count_over_time() by (resource.service.name, span.code, span.done)', '60000000000', '1m'],
    ['{ } | quantile_over_time(duration, .5, .9)', '300000000000', '5m'],
  ] as const
  for (const [query, step, text] of ranges) {
    const messages = await client.call('MetricsQueryRange', { query, start, end, step, exemplars: 5 })
    const response = await getJson('/api/metrics/query_range', { q: query, start, end, step: text, exemplars: 5 })
    expect(messages).toEqual([fromJson('QueryRangeResponse', response)])
    expect(messages[0]).toMatchObject({ series: expect.arrayContaining([expect.anything()]) })
  }
  const query = '{ } | rate() by (name)'
  // An end in the future counts as now, so that the rate would depend on it.
  const past = { start, end: String(now) }
  const instant = await client.call('MetricsQueryInstant', { query, ...past })
  expect(instant).toEqual([
    fromJson('QueryInstantResponse', await getJson('/api/metrics/query', { q: query, ...past })),
  ])
  expect(instant[0]).toMatchObject({ series: expect.arrayContaining([expect.anything()]) })
})

test.each([
  ['Search', { Query: '{ name = ' }],
  ['Search', { Query: '{ } | rate()' }],
  ['Search', { Limit: 1001 }],
  ['Search', { start: 20, end: 10 }],
  ['Search', { Tags: { 'two words': 'x' } }],
  ['MetricsQueryRange', { query: '{ }' }],
  ['MetricsQueryInstant', { query: '' }],
  ['SearchTagsV2', { maxTagsPerScope: 1001 }],
] as const)('an invalid request %s %j is INVALID_ARGUMENT with the reason', async (method, request) => {
  const error = await client.call(method, request).catch((failed: unknown) => failed as ServiceError)
  expect(error).toMatchObject({ code: grpcStatus.INVALID_ARGUMENT, details: expect.stringMatching(/\w+ \w+/) })
})

test('an unknown method is UNIMPLEMENTED', async () => {
  await expect(client.call('Unknown', {})).rejects.toMatchObject({
    code: grpcStatus.UNIMPLEMENTED,
    details: 'Unknown method /tempopb.StreamingQuerier/Unknown.',
  })
})

test('HTTP/1.1 has no gRPC, and its requests are served beside open calls', async () => {
  const path = '/tempopb.StreamingQuerier/Search'
  const headers = { 'content-type': 'application/grpc' }
  expect((await fetch(`${spanlink.url}${path}`, { method: 'POST', headers, body: 'x' })).status).toBe(505)
  const calls = Array.from({ length: 4 }, () => client.call('Search', { Query: '{ }', ...window }))
  const responses = await Promise.all(Array.from({ length: 8 }, () => fetch(`${spanlink.url}/api/status`)))
  expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200))
  expect((await Promise.all(calls)).every((messages) => messages.length > 0)).toBe(true)
})
