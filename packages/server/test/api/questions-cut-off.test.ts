import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toProblem } from '../../src/http/problems.ts'
import { searchTraceQL } from '../../src/traceql/execute/search-traceql.ts'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import type { Store } from '../../src/clickhouse/store.ts'

// What each question is: more than any machine answers in the time or the memory that it has.
const endless = 'select count() from numbers(1000000000000) where sipHash64(number) = 1'
const huge =
  'select count() from (select number from numbers(100000000) group by number) settings max_memory_usage = 50000000'

let store: Store
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-cut-off-'))
  store = await openEmbeddedStore(dir)
})

afterAll(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

async function problemWith(question: Promise<unknown>): Promise<ReturnType<typeof toProblem>> {
  return question.then(
    () => expect.unreachable('the question was answered'),
    (error: unknown) => toProblem(error),
  )
}

test('a question whose reader leaves is cancelled, and nobody is blamed', async () => {
  const reader = new AbortController()
  const question = problemWith(store.query(endless, {}, { signal: reader.signal, timeoutMs: 60_000 }))
  reader.abort()
  expect(await question).toMatchObject({ status: 499, title: 'Cancelled' })
})

test('a question that takes the engine too long is 504, and says how to ask for less', async () => {
  expect(await problemWith(store.query(endless, {}, { timeoutMs: 200 }))).toMatchObject({
    status: 504,
    detail: expect.stringMatching(/Narrow it by time/),
  })
})

test('a question that needs too much memory is 503, and says how to ask for less', async () => {
  expect(await problemWith(store.query(huge, {}, { timeoutMs: 120_000 }))).toMatchObject({
    status: 503,
    title: 'Query needs too much memory',
    detail: expect.stringMatching(/memory.*Narrow it by time/),
  })
}, 120_000)

test('a query of TraceQL that is out of time is told which conditions would help', async () => {
  const window = { start: 0n, end: 2n ** 64n - 1n }
  expect(await problemWith(searchTraceQL(store, '{ }', { ...window, timeoutMs: 0 }))).toMatchObject({
    status: 422,
    detail: expect.stringMatching(/shorter time range.*resource\.service\.name/),
  })
})
