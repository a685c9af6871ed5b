import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeTraces, kv, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { transcodeTraces } from '../signals/transcode.ts'
import { searchTraceQL } from '../../src/traceql/execute/search-traceql.ts'
import type { Client } from '../../src/clickhouse/client.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { type BareEngine, startEngineWithTables } from '../store/bare-engine.ts'
import { nowNano, span } from './order-spans.ts'

const SPANS = 65_536

let dir: string
let engine: BareEngine
let client: Client
const statements: (readonly [sql: string, params: Parameters<Store['query']>[1]])[] = []

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-index-'))
  engine = await startEngineWithTables(dir)
  client = engine.client
  const start = nowNano()
  const spans = Array.from({ length: SPANS }, (_, n) =>
    span({
      start,
      attributes: [
        kv('order.id', `order-${n}`),
        kv('order.items', n),
        kv('order.kind', 'web'),
        ...(n === 77 ? [kv('tags', ['rare'])] : []),
      ],
    }),
  )
  const rows = transcodeTraces(encodeTraces(tracesOf('shop', spans)), Math.floor(Date.now() / 1000))
  await client.insert('sources', [rows.sources], 'one')
  await client.insert('trace_rows', [rows.spans], 'one')
  // Indexes are built by merges, so there have to be two parts.
  await client.insert('spans', [rows.spans], 'one')
  await client.insert('spans', [rows.spans], 'two')
  await client.command('optimize table spans final')
}, 120_000)

afterAll(async () => {
  await engine.stop()
  await rm(dir, { recursive: true, force: true })
})

const store = {
  query: async (sql, params, options) => {
    statements.push([sql, params])
    return await client.query(sql, params, options)
  },
  queryBytes: (...query) => client.queryBytes(...query),
} as Pick<Store, 'query' | 'queryBytes'> as Store

/**
 * How many traces a search finds, and the share of granules of `spans` that its first statement
 * reads, in each part of it.
 */
async function search(query: string): Promise<{ readonly found: number; readonly share: number }> {
  statements.length = 0
  const now = nowNano()
  const hour = 3_600_000_000_000n
  const { traces } = await searchTraceQL(store, query, { start: now - hour, end: now + hour, limit: 5 })
  const [sql = '', params] = statements[0] ?? []
  const plan = await client.query<{ explain: string }>(`explain indexes = 1 ${sql}`, params)
  const text = plan.map(({ explain }) => explain).join('\n')
  const reads = text
    .split('ReadFromMergeTree (spanlink.spans)')
    .slice(1)
    .map((read) => Array.from(read.matchAll(/Granules: (\d+)\/(\d+)/g), ([, some]) => Number(some)))
  const granules = Math.max(...reads.flat())
  expect(granules).toBeGreaterThanOrEqual((2 * SPANS) / 1024)
  const read = reads.reduce((sum, steps) => sum + Math.min(...steps), 0)
  return { found: traces.length, share: read / granules }
}

test.for([
  ['a string', '{ span.order.id = "order-4711" }', 1],
  ['a string of span or resource', '{ .order.id = "order-4711" }', 1],
  ['a number', '{ span.order.items = 4711 }', 1],
  ['a rare value and a common one', '{ span.order.kind = "web" && .order.id = "order-4711" }', 1],
  ['an element of an array', '{ span.tags = "rare" }', 1],
  ['one of two values', '{ .order.id = "order-4711" || span.order.items = 42 }', 2],
  [
    'a missing value or a missing resource value',
    '{ span.order.id = "none" || resource.service.instance.id = "none" }',
    0,
  ],
  ['two spans of a trace', '{ span.order.id = "order-4711" } || { span.order.id = "order-42" }', 2],
  ['a missing value', '{ .order.id = "none" }', 0],
] as const)('a TraceQL search for %s reads few granules', async ([, query, found]) => {
  const result = await search(query)
  expect(result.found).toBe(found)
  // Two values and the array are in some of 128 granules; others may be false positives.
  expect(result.share).toBeLessThan(1 / 10)
})

test.for([
  ['a common value', '{ span.order.kind = "web" }'],
  ['the opposite of a value that no span has', '{ span.order.kind != "shop" }'],
  ['the negation of a value', '{ !(span.order.id = "order-4711") }'],
  ['a rare value or a common range', '{ span.order.id = "order-4711" || span.order.items > 10 }'],
] as const)('a TraceQL search for %s reads all granules and finds its traces', async ([, query]) => {
  const result = await search(query)
  expect(result.found).toBe(5)
  expect(result.share).toBeGreaterThanOrEqual(1)
})
