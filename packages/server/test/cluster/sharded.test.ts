import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { transcodeTraces } from '../signals/transcode.ts'
import { findTrace } from '../../src/query/traces/by-id/trace.ts'
import { migrateCluster, openClusterStore } from '../../src/clickhouse/cluster/open-cluster.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { linkTo, MS, nowNano, span } from '../query/order-spans.ts'
import { startTwoNodes, type TwoNodes } from './two-nodes.ts'

let cluster: TwoNodes
beforeAll(async () => {
  cluster = await startTwoNodes()
})
afterAll(() => cluster[Symbol.asyncDispose]())

/** Traces of one span each, which links to a span that is not stored. */
function segment(spans: number) {
  const start = nowNano()
  const sent = Array.from({ length: spans }, (_, at) => {
    const target = span({ start })
    return span({ start: start + BigInt(at) * MS, links: [linkTo(target)] })
  })
  const rows = transcodeTraces(encodeTraces(tracesOf('orders', sent)), Math.floor(Date.now() / 1000))
  return {
    sent,
    insert: async (store: Store, token: string): Promise<void> => {
      await store.insert('sources', [rows.sources], token)
      await store.insert('trace_rows', [rows.spans], token)
      await store.insert('spans', [rows.spans], token)
    },
  }
}

async function own(node: 0 | 1, database: string, table: string): Promise<number> {
  const rows = await cluster.nodes[node].query<{ n: string }>(`select count() as n from ${database}_shard.${table}`)
  return Number(rows[0]?.n)
}

test('concurrent and repeated migrations create the schema on every node', async () => {
  const url = cluster.storeUrl('migrated')
  await Promise.all([migrateCluster(url), migrateCluster(url), migrateCluster(url)])
  await migrateCluster(url)
  for (const node of cluster.nodes) {
    const [tables] = await node.query<{ distributed: string; views: string }>(
      `select countIf(database = 'migrated' and engine = 'Distributed') as distributed,
        countIf(database = 'migrated_shard' and engine = 'MaterializedView') as views from system.tables`,
    )
    expect(Number(tables?.distributed)).toBeGreaterThan(5)
    expect(Number(tables?.views)).toBe(0)
  }
})

test('spanlink migrate creates the tables and prints the nodes', async () => {
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
  const args = ['--conditions=spanlink:source', main, 'migrate']
  const url = cluster.storeUrl('by_command')
  const run = promisify(execFile)
  // Other users see the arguments of a process.
  await expect(run(process.execPath, [...args, url])).rejects.toMatchObject({ code: 2 })
  const { stdout } = await run(process.execPath, args, { env: { ...process.env, SPANLINK_STORE: url } })
  expect(stdout).toMatch(
    /^Tables of by_command are up to date on 127\.0\.0\.1:\d+, 127\.0\.0\.1:\d+ \(cluster both\)\.\n$/,
  )
  expect(await own(1, 'by_command', 'spans')).toBe(0)
})

test('rows are sharded by trace, with each trace and its links on one node', async () => {
  await using store = closing(await openClusterStore(cluster.storeUrl('spread')))
  const { insert, sent } = segment(200)
  await insert(store, 'one')
  const spans = [await own(0, 'spread', 'spans'), await own(1, 'spread', 'spans')] as const
  expect(spans[0] + spans[1]).toBe(200)
  expect(Math.min(...spans)).toBeGreaterThan(50)
  for (const node of cluster.nodes) {
    expect(
      await node.query(`select trace_id from spread_shard.spans where trace_id not in
        (select trace_id from spread_shard.trace_rows where type = 'span')`),
    ).toEqual([])
  }
  expect(await store.info()).toMatchObject({ spans: 200, links: 200, traces: 200 })
  expect(await findTrace(store, sent[0]?.traceId ?? '', {})).toBeDefined()
})

test('inserts fail while a node is down, and their retries store each row once', async () => {
  await using store = closing(await openClusterStore(cluster.storeUrl('lost')))
  await segment(100).insert(store, 'before')
  for (const lostNode of [0, 1] as const) {
    await cluster.nodes[lostNode].kill()
    const { insert } = segment(100)
    // The other node stores its part; the insert reports an error.
    await expect(insert(store, `during-${lostNode}`)).rejects.toMatchObject({ code: expect.any(String) })
    await cluster.nodes[lostNode].start()
    await insert(store, `during-${lostNode}`)
    await insert(store, `during-${lostNode}`)
  }
  const count = async (sql: string): Promise<number> => Number((await store.query<{ n: string }>(sql))[0]?.n)
  expect(await count('select count() as n from spans')).toBe(300)
  expect(await count('select uniqExact(span_id) as n from spans')).toBe(300)
  expect(await count('select count() as n from trace_rows')).toBe(600)
  expect(await count('select sum(spans) as n from traffic_minutes')).toBe(300)
}, 120_000)

test('two servers write to and read from one cluster', async () => {
  await using one = closing(await openClusterStore(cluster.storeUrl('several')))
  await using other = closing(await openClusterStore(cluster.storeUrl('several')))
  const [first, second] = [segment(50), segment(50)]
  await Promise.all([first.insert(one, 'first'), second.insert(other, 'second')])
  expect(await one.info()).toMatchObject({ spans: 100 })
  expect(await findTrace(other, first.sent[0]?.traceId ?? '', {})).toBeDefined()
})

function closing(store: Store): Store & AsyncDisposable {
  return { ...store, [Symbol.asyncDispose]: () => store.close() }
}
