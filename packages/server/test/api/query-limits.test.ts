import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toProblem } from '../../src/http/problems.ts'
import { searchTraceQL } from '../../src/traceql/execute/search-traceql.ts'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import type { Store } from '../../src/clickhouse/store.ts'

// Each query exceeds its time or memory limit on any machine.
const endless = 'select count() from numbers(1000000000000) where sipHash64(number) = 1'
const huge =
  'select count() from (select number from numbers(100000000) group by number) settings max_memory_usage = 50000000'

let store: Store
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-query-limits-'))
  store = await openEmbeddedStore(dir)
})

afterAll(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

async function problemWith(query: Promise<unknown>): Promise<ReturnType<typeof toProblem>> {
  return query.then(
    () => expect.unreachable('the query succeeded'),
    (error: unknown) => toProblem(error),
  )
}

test('a query whose client disconnects is cancelled and returns 499', async () => {
  const client = new AbortController()
  const query = problemWith(store.query(endless, {}, { signal: client.signal, timeoutMs: 60_000 }))
  client.abort()
  expect(await query).toMatchObject({ status: 499, title: 'Cancelled' })
})

test('a query that exceeds the time limit returns 504 and says how to narrow it', async () => {
  expect(await problemWith(store.query(endless, {}, { timeoutMs: 200 }))).toMatchObject({
    status: 504,
    detail: expect.stringMatching(/Narrow it by time/),
  })
})

test('a query that exceeds the memory limit returns 503 and says how to narrow it', async () => {
  expect(await problemWith(store.query(huge, {}, { timeoutMs: 120_000 }))).toMatchObject({
    status: 503,
    title: 'Query needs too much memory',
    detail: expect.stringMatching(/memory.*Narrow it by time/),
  })
}, 120_000)

test('a TraceQL query that exceeds the time limit returns 422 and names conditions that narrow it', async () => {
  const window = { start: 0n, end: 2n ** 64n - 1n }
  expect(await problemWith(searchTraceQL(store, '{ }', { ...window, timeoutMs: 0 }))).toMatchObject({
    status: 422,
    detail: expect.stringMatching(/shorter time range.*resource\.service\.name/),
  })
})
