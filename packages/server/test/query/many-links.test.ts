import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { transcodeTraces } from '../signals/transcode.ts'
import { findLinks } from '../../src/query/links/find-links.ts'
import { fetchLinksAfter } from '../../src/query/links/many-links.ts'
import { findTrace } from '../../src/query/traces/by-id/trace.ts'
import { findSkeleton } from '../../src/query/traces/by-id/trace-skeleton.ts'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { startEngineWithTables } from '../store/bare-engine.ts'
import { linkTo, nowNano, span } from './order-spans.ts'

const MINUTES = 60_000
const SLOW = { timeoutMs: 2 * MINUTES }

/**
 * A sixth of the default, so that a million links are enough. A span with 16,384 links is 2.3 MB:
 * merges take 260 MiB.
 */
const QUERY_BYTES = 170 * 2 ** 20

const start = nowNano()
const send = span({ name: 'send orders', kind: 4, start })
const CONSUMERS = 64
const LINKS_EACH = 16_384
const LINKS = CONSUMERS * LINKS_EACH
const consumers = Array.from({ length: CONSUMERS }, (_, at) =>
  span({ traceId: 'c'.repeat(32), name: 'process orders', kind: 5, start: start + BigInt(at) }),
)

let dir = ''
let store: Store
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-many-links-'))
  store = await openEmbeddedStore(dir)
  await put('send', tracesOf('gateway', [send]))
  const links = Array.from({ length: LINKS_EACH }, (_, offset) => linkTo(send, offset))
  for (const consumer of consumers) await put(consumer.spanId, tracesOf('payment', [{ ...consumer, links }]))
  await store.close()
  store = await openEmbeddedStore(dir, { engineBytes: QUERY_BYTES })
}, 10 * MINUTES)
afterAll(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

async function put(token: string, request: Parameters<typeof encodeTraces>[0]): Promise<void> {
  const rows = transcodeTraces(encodeTraces(request), Math.floor(Date.now() / 1000))
  for (const table of ['trace_rows', 'spans'] as const) {
    // Merges of such rows take memory from inserts: the inserter retries, too.
    while ((await store.insert(table, [rows.spans], token).catch((error: unknown) => error)) !== undefined) {
      await sleep(100)
    }
  }
}

test.each([
  { direction: 'in', traceId: send.traceId },
  { direction: 'out', traceId: 'c'.repeat(32) },
] as const)(
  'a million links of a trace in direction $direction are returned in pages',
  async ({ direction, traceId }) => {
    const first = await findLinks(store, traceId, { direction, limit: 1000 }, SLOW)
    const next = await findLinks(store, traceId, { direction, limit: 1000, cursor: first?.nextCursor }, SLOW)
    const pages = [...(first?.links ?? []), ...(next?.links ?? [])]
    expect(pages).toHaveLength(2000)
    expect(new Set(pages.map((link) => JSON.stringify(link.attributes))).size).toBe(2000)
    expect(new Set(pages.map((link) => link.span?.startTimeUnixNano))).toEqual(
      new Set([direction === 'in' ? send.startTimeUnixNano : consumers[0]?.startTimeUnixNano]),
    )
    expect(next?.nextCursor).toBeDefined()
    expect(first?.isTotalEstimate).toBe(true)
    expectAbout(first?.total, LINKS)
  },
  10 * MINUTES,
)

test(
  'a million links to one span are counted in its skeleton and its trace',
  async () => {
    const skeleton = await findSkeleton(store, send.traceId, SLOW)
    expect(skeleton?.linksIn[0]).toBe(0)
    expectAbout(skeleton?.linksIn[1], LINKS)
    const linking = await findSkeleton(store, 'c'.repeat(32), SLOW)
    expect(new Set(linking?.linksOut.filter((_, at) => at % 2 === 1))).toEqual(new Set([LINKS_EACH]))
    expect(linking?.linksOut).toHaveLength(2 * CONSUMERS)
    const trace = await findTrace(store, send.traceId, SLOW)
    expect(trace?.truncated).toBeUndefined()
    expectAbout(trace?.spans[0]?.backlinkCount, LINKS)
  },
  10 * MINUTES,
)

// Read together, 13 spans take 210 MiB, because the parts have far more small backlinks.
test.each(['in the parts of inserts', 'in one part'])(
  'spans of megabytes that are stored %s are read in bounded memory',
  async (layout) => {
    if (layout === 'in one part') await mergeParts()
    const request = { traceId: 'c'.repeat(32), spanId: undefined, direction: 'out' } as const
    const limit = 12 * LINKS_EACH
    const { rows, hasMore } = await fetchLinksAfter(store, request, undefined, limit, SLOW)
    expect(rows).toHaveLength(limit)
    expect(new Set(rows.map(({ spanId }) => spanId))).toEqual(
      new Set(consumers.slice(0, 12).map(({ spanId }) => spanId)),
    )
    expect(hasMore).toBe(true)
  },
  10 * MINUTES,
)

/** As the server merges the parts of a day later. */
async function mergeParts(): Promise<void> {
  await store.close()
  const engine = await startEngineWithTables(dir)
  await engine.client.command('optimize table trace_rows final')
  await engine.stop()
  store = await openEmbeddedStore(dir, { engineBytes: QUERY_BYTES })
}

function expectAbout(count: number | undefined, expected: number): void {
  expect(Math.abs((count ?? 0) - expected)).toBeLessThan(expected / 50)
}
