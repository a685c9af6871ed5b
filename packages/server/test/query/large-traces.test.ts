import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeTraces, kv, type OtlpSpan, randomTraceId, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { divideMemory } from '../../src/runtime/memory-limits.ts'
import { transcodeTraces } from '../signals/transcode.ts'
import { findTrace } from '../../src/query/traces/by-id/trace.ts'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { linkTo, nowNano } from './order-spans.ts'

// With the memory that the engine has by default.
let dir = ''
let store: Store
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-large-'))
  store = await openEmbeddedStore(dir, { engineBytes: divideMemory().engineBytes })
})
afterAll(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

const now = nowNano()
const TEXT = 'a value of some length, as statements and URLs are. '.repeat(4)

function spanAt(traceId: string, at: number): OtlpSpan & { readonly spanId: string } {
  const spanId = (at + 1).toString(16).padStart(16, '0')
  return {
    traceId,
    spanId,
    name: 'step',
    startTimeUnixNano: String(now + BigInt(at)),
    endTimeUnixNano: String(now + BigInt(at) + 1000n),
    attributes: [kv('order.id', at), kv('url.full', `${TEXT}${at}`), kv('db.query.text', `${TEXT}${at}`)],
    links: [linkTo({ traceId, spanId })],
  }
}

async function insert(spans: readonly OtlpSpan[], tokens: readonly string[]): Promise<void> {
  const rows = transcodeTraces(encodeTraces(tracesOf('large', [...spans])), Math.floor(Date.now() / 1000))
  for (const token of tokens) {
    await store.insert('sources', [rows.sources], token)
    await store.insert('trace_rows', [rows.spans], token)
    await store.insert('spans', [rows.spans], token)
  }
}

const CHUNK = 10_000

test('a trace of 120,000 long spans is truncated to the earliest spans with their links', async () => {
  const traceId = randomTraceId()
  for (let from = 0; from < 120_000; from += CHUNK) {
    await insert(
      Array.from({ length: CHUNK }, (_, at) => spanAt(traceId, from + at)),
      [`large-${from}`],
    )
  }
  const trace = await findTrace(store, traceId, {})
  expect(trace?.truncated).toBe(true)
  const ids = trace?.spans.map((span) => span.spanId) ?? []
  expect(ids.length).toBeGreaterThan(10_000)
  expect(ids).toEqual(ids.map((_, at) => spanAt(traceId, at).spanId))
  expect(trace?.spans.at(-1)).toMatchObject({ attributes: expect.any(Array), links: [{ target: { name: 'step' } }] })
}, 600_000)

test('a trace of 1,000 spans that were sent 200 times each is returned with each span once', async () => {
  const traceId = randomTraceId()
  const spans = Array.from({ length: 1000 }, (_, at) => spanAt(traceId, at))
  await insert(
    Array.from({ length: 10 }, () => spans).flat(),
    Array.from({ length: 20 }, (_, turn) => `again-${turn}`),
  )
  const trace = await findTrace(store, traceId, {})
  expect(trace?.truncated).toBeUndefined()
  expect(trace?.spans.map((span) => span.spanId)).toEqual(spans.map((span) => span.spanId))
}, 600_000)
