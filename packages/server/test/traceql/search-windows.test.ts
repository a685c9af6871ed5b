import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Store } from '../../src/clickhouse/store.ts'
import { fetchSummaries } from '../../src/query/traces/summaries/fetch-summaries.ts'
import { searchTraceQL } from '../../src/traceql/execute/search-traceql.ts'
import { openTestStore } from '../query/stored-traces.ts'
import { loadSpans } from './load.ts'
import { oneSpan } from './one-span.ts'
import type { TestSpan } from './spans.ts'

const minute = 60_000_000_000n
const end = 1_790_000_000_000_000_000n
const day = { start: end - 1440n * minute, end }
const TRACES = 60

let store: Store
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-search-windows-'))
  store = await openTestStore(dir)
  await loadSpans(store, Array.from({ length: TRACES }, (_, nth) => scatteredSpans(nth)).flat())
})

afterAll(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

/** A trace whose spans start minutes to hours apart, so that several windows have some of them. */
function scatteredSpans(nth: number): TestSpan[] {
  const newest = end - 1n - (BigInt(nth * nth) * minute) / 4n
  const first = oneSpan('step', newest, { attributes: { even: String(nth % 2 === 0) } })
  const older = [3n, 20n, 100n, 500n].map((minutes, at) => ({
    ...oneSpan(`step ${at}`, newest - minutes * minute, { attributes: first.attributes }),
    traceId: first.traceId,
  }))
  return [first, ...older]
}

test.each([
  '{ }',
  '{ span.even = "true" }',
  '{ span.even =~ "t.*" }',
  '{ name = "step" } && { name = "step 3" }',
  '{ resource.service.name = "nobody" }',
])('pages of any size list the traces of %s once each, as one page does', async (query) => {
  const search = async (limit: number): Promise<string[]> => {
    const ids: string[] = []
    let cursor: string | undefined
    do {
      const page = await searchTraceQL(store, query, { ...day, limit, ...(cursor === undefined ? {} : { cursor }) })
      ids.push(...page.traces.map(({ summary }) => summary.traceId))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    return ids
  }
  const all = await search(1_000)
  for (const limit of [1, 3, 7, 20]) {
    const paged = await search(limit)
    expect(new Set(paged).size).toBe(paged.length)
    expect(new Set(paged)).toEqual(new Set(all))
  }
})

test('of a span sent again with another start, the earliest counts in every summary', async () => {
  const early = oneSpan('sent again', end - 30n * minute)
  const late = { ...early, start: early.start + 1_000_000n, status: 'error' as const }
  await loadSpans(store, [early], 'early')
  await loadSpans(store, [late], 'late')
  const { traces } = await searchTraceQL(store, '{ name = "sent again" }', day)
  const summaries = await fetchSummaries(store, [early.traceId], {})
  expect(traces[0]?.summary).toMatchObject({ errorCount: 0, startTimeUnixNano: String(early.start) })
  expect(summaries.get(early.traceId)).toEqual(traces[0]?.summary)
})

test('a search returns the newest traces first when they lie in several windows', async () => {
  const { traces } = await searchTraceQL(store, '{ name = "step" }', { ...day, limit: 10 })
  const starts = traces.map(({ summary }) => BigInt(summary.startTimeUnixNano))
  expect(starts).toEqual(starts.toSorted((a, b) => (a < b ? 1 : -1)))
  expect(traces).toHaveLength(10)
})
