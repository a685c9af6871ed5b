import type {
  AttributesResponse,
  CompletionResponse,
  HeatmapResponse,
  LinksResponse,
  Problem,
  SearchedRange,
  SeriesResponse,
  SpanResponse,
  TraceResponse,
  TracesResponse,
  TraceSkeleton,
} from '@spanlink/api-schema'
import { randomSpanId, tracesOf } from '@spanlink/testkit/otlp'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { linkTo, MS, nowNano, span } from '../query/order-spans.ts'

let spanlink: SpanlinkServer
const start = nowNano() - 5000n * MS
const root = span({ name: 'POST /orders', kind: 2, start })
const send = span({
  name: 'send orders',
  kind: 4,
  traceId: root.traceId,
  parentSpanId: root.spanId,
  start: start + 2n * MS,
  attributes: [{ key: 'order.id', value: { stringValue: 'A-1 "x"' } }],
  events: [{ timeUnixNano: String(start + 3n * MS), name: 'acked' }],
})
const orphan = span({ name: 'late', traceId: root.traceId, parentSpanId: randomSpanId(), start: start + 4n * MS })
const pay = span({ name: 'process orders', kind: 5, start: start + 9n * MS, links: [linkTo(send)] })

beforeAll(async () => {
  spanlink = await startSpanlink()
  await spanlink.sendSpans(tracesOf('gateway', [root, send, orphan]))
  await spanlink.sendSpans(tracesOf('payment', [pay]))
  // A segment's links come after its spans.
  const isStored = async (): Promise<boolean> =>
    (await get<LinksResponse>(`/api/traces/${pay.traceId}/links`)).body.total === 1
  while (!(await isStored())) await sleep(50)
})
afterAll(() => spanlink.stop())

async function get<T>(path: string): Promise<{ readonly status: number; readonly body: T }> {
  const response = await fetch(spanlink.url + path)
  return { status: response.status, body: (await response.json()) as T }
}

const bytesOf = (column: string): ArrayBuffer => Uint8Array.from(Buffer.from(column, 'base64')).buffer

const withQuery = (path: string, query: Readonly<Record<string, string>>): string =>
  `${path}?${new URLSearchParams(query)}`

test('a trace skeleton has the same spans in columns as the trace has in objects', async () => {
  const whole = (await get<TraceResponse>(`/api/traces/${root.traceId}`)).body
  const { body } = await get<TraceSkeleton>(`/api/traces/${root.traceId}/skeleton`)
  const [parent, service, name] = [body.parent, body.service, body.name].map(
    (column) => new Int32Array(bytesOf(column)),
  )
  const [start, duration] = [body.start, body.duration].map((column) => new Float64Array(bytesOf(column)))
  expect(body.count).toBe(whole.spans.length)
  for (const [i, expected] of whole.spans.entries()) {
    expect(body.spanIds.slice(i * 16, i * 16 + 16)).toBe(expected.spanId)
    expect(body.names[name?.[i] ?? -1]).toBe(expected.name)
    expect(body.services[service?.[i] ?? -1]).toBe(expected.service)
    expect(String(BigInt(body.startTimeUnixNano) + BigInt(start?.[i] ?? 0))).toBe(expected.startTimeUnixNano)
    expect(duration?.[i]).toBe(Number(BigInt(expected.endTimeUnixNano) - BigInt(expected.startTimeUnixNano)))
  }
  expect([...(parent ?? [])]).toEqual([-1, 0, -2])
  expect([...new Uint8Array(bytesOf(body.kind))]).toEqual([2, 4, 2])
  expect(body.linksIn).toEqual([1, 1])
  expect(body.events).toEqual([1, 3e6])
  const carrier = await get<TraceSkeleton>(`/api/traces/${pay.traceId}/skeleton`)
  expect(carrier.body.linksOut).toEqual([0, 1])
  expect((await get(`/api/traces/${'f'.repeat(32)}/skeleton`)).status).toBe(404)
})

test('a single span is returned as it is in its trace, and a span of another trace returns 404', async () => {
  const whole = (await get<TraceResponse>(`/api/traces/${pay.traceId}`)).body
  const { body } = await get<SpanResponse>(`/api/traces/${pay.traceId}/spans/${pay.spanId}`)
  expect(body).toEqual({ traceId: pay.traceId, span: { ...whole.spans[0], source: 0 }, source: whole.sources[0] })
  expect((await get(`/api/traces/${pay.traceId}/spans/${send.spanId}`)).status).toBe(404)
})

test('a text search in a trace matches attribute names, values, event names and services, ignoring case', async () => {
  const found = async (text: string): Promise<unknown> =>
    (await get(withQuery(`/api/traces/${root.traceId}/spans`, { text }))).body
  expect(await found('a-1')).toEqual({ spanIds: [send.spanId] })
  expect(await found('ORDER.ID')).toEqual({ spanIds: [send.spanId] })
  expect(await found('acked')).toEqual({ spanIds: [send.spanId] })
  expect(await found('gateway')).toEqual({ spanIds: [root.spanId, send.spanId, orphan.spanId] })
  expect(await found('nothing like it')).toEqual({ spanIds: [] })
})

test('a TraceQL search returns traces with the spans that matched and their groups', async () => {
  const { body } = await get<TracesResponse>(
    withQuery('/api/traces', { q: '{ kind = server } ->> { kind = consumer }' }),
  )
  expect(body.traces).toMatchObject([{ traceId: pay.traceId, linksOut: 1, matches: [{ matched: 1 }] }])
  expect(body.traces[0]?.matches?.[0]?.spans[0]).toMatchObject({ spanId: pay.spanId, name: 'process orders' })
  const grouped = await get<TracesResponse>(
    withQuery('/api/traces', { q: '{ } | by(resource.service.name)', limit: '1' }),
  )
  expect(grouped.body).toMatchObject({ hasMore: true })
  expect(grouped.body.traces[0]?.matches?.[0]?.group).toHaveLength(1)
})

test('an invalid TraceQL query returns 400 with the position and the expected tokens', async () => {
  const { status, body } = await get<Problem>(withQuery('/api/traces', { q: '{ .a = }' }))
  expect(status).toBe(400)
  expect(body).toMatchObject({ parameter: 'q', from: 7, to: 8, line: 1, column: 8 })
  expect(body.expected).toContain('a value')
  expect((await get<Problem>(withQuery('/api/traces', { q: '{ }', service: 'x' }))).body.parameter).toBe('service')
  expect((await get<Problem>(withQuery('/api/traces', { q: '{ } | rate()' }))).status).toBe(400)
})

test('attribute names are listed by prefix, and the values of one by its key', async () => {
  const names = await get<AttributesResponse>(withQuery('/api/attributes', { prefix: 'order' }))
  expect(names.body.attributes).toContainEqual({ field: 'span.order.id', scope: 'span', key: 'order.id' })
  const values = await get<AttributesResponse>(withQuery('/api/attributes', { key: 'span.order.id' }))
  expect(values.body.values).toEqual(['A-1 "x"'])
  expect((await get(withQuery('/api/attributes', { key: '} |' }))).status).toBe(400)
})

test('attribute names and values are limited to spans that match the filter', async () => {
  const services = async (q: string): Promise<unknown> =>
    (await get<AttributesResponse>(withQuery('/api/attributes', { key: 'resource.service.name', q }))).body.values
  // The search stops after a second, so under load the first result may be empty.
  const underLoad = { timeout: 30_000 }
  await expect.poll(() => services('{ kind = consumer }'), underLoad).toEqual(['payment'])
  await expect.poll(() => services('{ span.order.id != nil }'), underLoad).toEqual(['gateway'])
  const names = await get<AttributesResponse>(
    withQuery('/api/attributes', { prefix: 'order', q: '{ kind = consumer }' }),
  )
  expect(names.body.attributes?.map(({ field }) => field)).not.toContain('span.order.id')
  expect(await get<Problem>(withQuery('/api/attributes', { q: '{ } >> { }' }))).toMatchObject({
    status: 400,
    body: { parameter: 'q' },
  })
})

test('series have exemplars only when requested, and the type of labels that are not strings', async () => {
  const seriesOf = async (q: string, more: Readonly<Record<string, string>> = {}): Promise<SeriesResponse> =>
    (await get<SeriesResponse>(withQuery('/api/traceql/series', { q, step: '10m', ...more }))).body
  const query = '{ kind = consumer } | max_over_time(duration) by (kind, duration > 1ns)'
  const { series } = await seriesOf(query, { exemplars: '5' })
  expect(series).toMatchObject([
    {
      labels: [
        { key: 'span:kind', value: 'consumer' },
        { key: 'span:duration > 1ns', value: 'true', type: 'bool' },
      ],
      exemplars: [{ traceId: pay.traceId, spanId: pay.spanId, timeUnixNano: pay.startTimeUnixNano }],
    },
  ])
  expect((await seriesOf(query)).series[0]?.exemplars).toBeUndefined()
})

test('a series reports the length of its last interval when that is incomplete', async () => {
  const path10m = withQuery('/api/traceql/series', { q: '{ } | rate()', step: '10m' })
  const { stepNano, lastStepNano = stepNano } = (await get<SeriesResponse>(path10m)).body
  expect(Number(lastStepNano)).toBeLessThanOrEqual(600e9)
  const start = '1790000000000000000'
  const end = '1790000090000000000'
  const cut = await get<SeriesResponse>(withQuery('/api/traceql/series', { q: '{ } | rate()', start, end, step: '1m' }))
  expect(cut.body).toMatchObject({ stepNano: '60000000000', lastStepNano: '30000000000' })
})

test('TraceQL completion offers attributes, values and keywords at the caret', async () => {
  const complete = async (q: string): Promise<CompletionResponse> =>
    (await get<CompletionResponse>(withQuery('/api/traceql/complete', { q, caret: String(q.length) }))).body
  expect((await complete('{ span.ord')).options).toEqual([{ text: 'span.order.id', kind: 'attribute' }])
  expect((await complete('{ .ord')).options).toEqual([{ text: '.order.id', kind: 'attribute' }])
  expect((await complete('{ status = ')).options[0]).toEqual({ text: 'error', kind: 'value' })
  const value = await complete('{ span.order.id = "A')
  expect(value).toMatchObject({ from: 18, options: [{ text: '"A-1 \\"x\\""', kind: 'value' }] })
  const narrowed = async () => (await complete('{ kind = consumer && resource.service.name = "')).options
  await expect.poll(narrowed, { timeout: 30_000 }).toEqual([{ text: '"payment"', kind: 'value' }])
  expect((await complete('{ .a = }')).error).toMatchObject({ from: 7 })
  expect((await complete('{ status = error }')).error).toBeUndefined()
})

test('the heat map counts root spans without a filter and matching spans with one', async () => {
  const range = { start: String(start - 1000n * MS), end: String(start + 1000n * MS), columns: '20' }
  const { body } = await get<HeatmapResponse>(withQuery('/api/heatmap', range))
  const count = (of: HeatmapResponse): number => of.cells.reduce((sum, cell) => sum + cell.count, 0)
  expect(count(body)).toBe(2)
  expect(body.columns).toBe(20)
  expect(body.cells.every(({ column }) => column === 10)).toBe(true)
  const filtered = await get<HeatmapResponse>(withQuery('/api/heatmap', { ...range, operation: 'send orders' }))
  expect(count(filtered.body)).toBe(1)
  for (const { fromNano, toNano } of filtered.body.cells) {
    const durationNano = Number(5n * MS)
    expect(durationNano > fromNano && durationNano <= toNano).toBe(true)
  }
})

test('the tail sends stored traces, then arriving ones without repeating any', async () => {
  const leaving = new AbortController()
  const response = await fetch(`${spanlink.url}/api/traces/tail?service=payment`, { signal: leaving.signal })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const lines = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  const next = async (): Promise<string> => {
    let text = ''
    while (!text.includes('\n\n')) text += (await lines?.read())?.value ?? ''
    return text
  }
  expect(await next()).toContain(pay.traceId)
  const late = span({ name: 'process again', kind: 5, start: nowNano() })
  await spanlink.sendSpans(tracesOf('payment', [late]))
  const more = await next()
  expect(more).toContain(late.traceId)
  expect(more).not.toContain(pay.traceId)
  leaving.abort()
  expect((await fetch(`${spanlink.url}/api/traces/tail?q=%7B`)).status).toBe(400)
})

test('the tail reports the range it searched when more traces arrive than fit one event', async () => {
  const leaving = new AbortController()
  const response = await fetch(`${spanlink.url}/api/traces/tail?service=burst`, { signal: leaving.signal })
  const lines = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  const soon = nowNano()
  const burst = Array.from({ length: 150 }, (_, index) => span({ kind: 2, start: soon + BigInt(index) }))
  await spanlink.sendSpans(tracesOf('burst', burst))
  let text = ''
  while (!/event: partial\ndata: .*\n\n/.test(text)) text += (await lines?.read())?.value ?? ''
  const [, data = ''] = /event: partial\ndata: (.*)\n\n/.exec(text) ?? []
  const range = JSON.parse(data) as SearchedRange
  expect(range.complete).toBe(false)
  expect(BigInt(range.searched.start)).toBe(soon + 50n)
  leaving.abort()
})
