import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeTraces, generateRequests, generateSpans } from '@spanlink/testkit/otlp'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { Inserter } from '../../src/journal/inserter.ts'
import { Journal } from '../../src/journal/journal.ts'
import { transcodeTraces } from '../signals/transcode.ts'
import { openClusterStore } from '../../src/clickhouse/cluster/open-cluster.ts'
import { killDuringSplit } from '../hostile/kill-during-split.ts'
import { startTwoNodes, type TwoNodes } from './two-nodes.ts'

const MiB = 2 ** 20
const KILLS = 3

let cluster: TwoNodes
beforeAll(async () => {
  cluster = await startTwoNodes()
})
afterAll(() => cluster[Symbol.asyncDispose]())

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'spanlink-split-'))
})
afterEach(() => rm(dataDir, { recursive: true }))

test('a segment that exceeds the memory limit of one shard is retried until it fits, and each row is stored once', async () => {
  const SPANS = 30_000
  const store = await openClusterStore(cluster.storeUrl('starved'))
  await cluster.nodes[1].kill()
  await cluster.nodes[1].start(4 * MiB)
  const lines: string[] = []
  const inserter = new Inserter(store, (line) => void lines.push(line))
  const journal = await Journal.open({ dataDir, log: () => {}, onSealed: (segment) => inserter.enqueue(segment) })
  inserter.start(journal)
  const request = generateSpans({ spans: SPANS, attributes: 10, linkRatio: 0.25, seed: 3 })
  await journal.append(transcodeTraces(encodeTraces(request), Math.floor(Date.now() / 1000)))
  await vi.waitUntil(() => lines.filter((line) => line.includes('retry in')).length > 3, { timeout: 60_000 })
  await cluster.nodes[1].kill()
  await cluster.nodes[1].start()
  await journal.close()
  await inserter.drain(60_000)
  expect(journal.getDepth().segments).toBe(0)
  expect(journal.getQuarantineDepth().segments).toBe(0)
  await store.close()
  await expectOnce('starved', SPANS)
}, 240_000)

test('a server killed while it splits a large request stores each row once on a cluster', async () => {
  const SPANS = 66_000
  const [request = {}] = generateRequests({ spans: SPANS, attributes: 10, linkRatio: 0.25, seed: 5 }, SPANS)
  const body = Buffer.from(encodeTraces(request))
  expect(await killDuringSplit(dataDir, { SPANLINK_STORE: cluster.storeUrl('killed') }, body, KILLS)).toBe(0)
  await expectOnce('killed', SPANS)
}, 240_000)

async function expectOnce(database: string, spans: number): Promise<void> {
  const store = await openClusterStore(cluster.storeUrl(database))
  const count = async (sql: string): Promise<number> => Number((await store.query<{ n: string }>(sql))[0]?.n)
  expect({
    spans: await count('select count() as n from spans'),
    unique: await count('select uniqExact(trace_id, span_id) as n from spans'),
    summed: await count('select sum(spans) as n from traffic_minutes'),
    fetched: await count("select count() as n from trace_rows where type = 'span'"),
    links: await count("select count() as n from trace_rows where type = 'backlink'"),
  }).toEqual({
    spans,
    unique: spans,
    summed: spans,
    fetched: spans,
    links: await count(
      "select uniqExact(trace_id, span_id, concat(substring(head, 1, 24), substring(head, 41, 4))) as n from trace_rows where type = 'backlink'",
    ),
  })
  await store.close()
}
