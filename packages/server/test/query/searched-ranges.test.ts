import { setTimeout } from 'node:timers/promises'
import type { SearchedRange, TracesResponse, TracesQuery } from '@spanlink/api-schema'
import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attributeEndpoints } from '../../src/http/routes/attributes.ts'
import type { Endpoint } from '../../src/http/routes/endpoint.ts'
import { seriesEndpoints } from '../../src/http/routes/series.ts'
import { findLogs } from '../../src/query/logs/find-logs.ts'
import { findTopology } from '../../src/query/topology/find-topology.ts'
import { findHeatmap } from '../../src/query/traces/heatmap.ts'
import { searchByQuery } from '../../src/query/traces/search-by-query.ts'
import { searchTraces } from '../../src/query/traces/search.ts'
import { listAttributeKeys } from '../../src/traceql/complete/attribute-keys.ts'
import { listAttributeValues } from '../../src/traceql/complete/attribute-values.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { MS, span, T0 } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from './stored-traces.ts'

const START = String(T0)
const END = String(T0 + 60_000n * MS)
const at = (millis: number): string => String(T0 + BigInt(millis) * MS)

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
  const spans = [0, 1, 2, 3, 4].map((index) => span({ at: index * 1_000, attributes: { [`key-${index}`]: index } }))
  await traces.put(tracesOf('shop', spans))
})
afterAll(() => traces[Symbol.asyncDispose]())

const searches = {
  filters: (query: TracesQuery) => searchTraces(traces.store, { ...query, service: 'shop' }, {}),
  TraceQL: (query: TracesQuery) => searchByQuery(traces.store, '{ resource.service.name = "shop" }', query, {}),
}

test.each(['filters', 'TraceQL'] as const)(
  'searched ranges of pages of a search by %s are adjacent, and only the last page is complete',
  async (by) => {
    const ranges: SearchedRange[] = []
    let cursor: string | undefined
    do {
      const page: TracesResponse = await searches[by]({ start: START, end: END, limit: 2, ...(cursor && { cursor }) })
      ranges.push({ searched: page.searched, complete: page.complete })
      cursor = page.nextCursor
    } while (cursor !== undefined)
    expect(ranges).toEqual([
      { searched: { start: at(3_000), end: END }, complete: false },
      { searched: { start: at(1_000), end: String(T0 + 3_000n * MS + 1n) }, complete: false },
      { searched: { start: START, end: String(T0 + 1_000n * MS + 1n) }, complete: true },
    ])
  },
)

test('a search without a time range is complete from 0 to now', async () => {
  const before = BigInt(Date.now()) * MS
  const { searched, complete } = await searches.filters({})
  expect({ start: searched.start, complete }).toEqual({ start: '0', complete: true })
  expect(BigInt(searched.end)).toBeGreaterThanOrEqual(before)
})

type Range = { readonly start: string; readonly end?: string }

const responses: Readonly<Record<string, (range: Range) => Promise<SearchedRange>>> = {
  'a search by filters': (range) => searches.filters(range),
  'a search by TraceQL': (range) => searches.TraceQL(range),
  'a list of logs': (range) => findLogs(traces.store, range, {}),
  'a list of logs, oldest first,': (range) => findLogs(traces.store, { ...range, order: 'oldest' }, {}),
  'a topology': (range) => findTopology(traces.store, range, {}),
  'TraceQL series': (range) =>
    request(seriesEndpoints(traces.store), { ...range, q: '{} | count_over_time()', step: '1d' }),
  'a list of attribute names': (range) => request(attributeEndpoints(traces.store), range),
}

async function request([endpoint]: readonly Endpoint[], query: unknown): Promise<SearchedRange> {
  const { signal } = new AbortController()
  const response = await endpoint?.handle({ params: {}, query, requestHost: '', signal })
  if (response?.status !== 200) throw new Error(`status ${response?.status}`)
  return response.body as SearchedRange
}

/** Whole minutes, to which the topology rounds its range. */
function minutesFromNow(minutes: number): string {
  return String((BigInt(Date.now()) / 60_000n + BigInt(minutes)) * 60_000n * MS)
}

test.each(Object.entries(responses))('%s reports a requested end in the future as searched', async (_name, search) => {
  const range = { start: minutesFromNow(-60), end: minutesFromNow(3 * 24 * 60) }
  expect(await search(range)).toMatchObject({ searched: range, complete: true })
})

test.each(Object.entries(responses))('%s without a requested end reports none in the future', async (_name, search) => {
  const start = minutesFromNow(-60)
  const { searched } = await search({ start })
  expect(BigInt(searched.end)).toBeLessThanOrEqual(BigInt(Date.now()) * MS)
  expect(BigInt(searched.end)).toBeGreaterThan(BigInt(start))
})

test('spans up to a requested end in the future are found', async () => {
  const range = { start: minutesFromNow(2 * 24 * 60), end: minutesFromNow(2 * 24 * 60 + 1) }
  await traces.put(tracesOf('shop', [span({ at: Number((BigInt(range.start) - T0) / MS) })]))
  expect((await searches.filters(range)).traces).toHaveLength(1)
  expect((await searches.TraceQL(range)).traces).toHaveLength(1)
  expect(await findHeatmap(traces.store, range, {})).toMatchObject({
    cells: [{ count: 1 }],
    searched: range,
    complete: true,
  })
})

test('a heat map reports its whole range as searched', async () => {
  expect(await findHeatmap(traces.store, { start: START, end: END }, {})).toMatchObject({
    searched: { start: START, end: END },
    complete: true,
  })
})

test('attribute keys and values that reach their limit are incomplete', async () => {
  const window = { start: BigInt(START), end: BigInt(END), scope: 'span' as const }
  const all = await listAttributeKeys(traces.store, { ...window, limit: 6 })
  expect(all.found).toHaveLength(5)
  expect(all.scanned).toMatchObject({ isCut: false, until: undefined })
  expect((await listAttributeKeys(traces.store, { ...window, limit: 5 })).scanned).not.toEqual(all.scanned)
  const values = await listAttributeValues(traces.store, 'resource.service.name', { ...window, limit: 1 })
  expect(values).toEqual({ found: ['shop'], scanned: { isCut: true } })
})

test('attribute keys and values are the same when each query is slow', async () => {
  const { store } = traces
  const slow: Store = {
    ...store,
    query: async (...args) => {
      await setTimeout(700)
      return await store.query(...args)
    },
  }
  // Longer than the first window scanned.
  const window = { start: BigInt(END) - 3_600_000n * MS, end: BigInt(END), scope: 'span' as const }
  expect(await listAttributeKeys(slow, window)).toEqual(await listAttributeKeys(store, window))
  expect(await listAttributeValues(slow, 'span.key-3', window)).toEqual(
    await listAttributeValues(store, 'span.key-3', window),
  )
}, 120_000)

test('attribute keys with maxSpans come from the newest spans and are incomplete', async () => {
  const hour = 3_600_000
  const spans = Array.from({ length: 20 }, (_, index) =>
    span({ at: 600_000_000 + ((index * 7) % 20) * hour, attributes: { [`named-${(index * 7) % 20}`]: true } }),
  )
  await traces.put(tracesOf('names', spans.slice(0, 10)))
  await traces.put(tracesOf('names', spans.slice(10)))
  const start = T0 + 500_000_000n * MS
  const window = { start, end: T0 + 700_000_000n * MS, scope: 'span' as const, maxSpans: 5 }
  const { found, scanned } = await listAttributeKeys(traces.store, window)
  // The first span above the limit is read too.
  expect(found.map(({ key }) => key).sort()).toEqual([14, 15, 16, 17, 18, 19].map((at) => `named-${at}`))
  expect(scanned.until).toBeGreaterThan(start)
})
