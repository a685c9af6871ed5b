import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeTraces, kv, tracesOf } from '@spanlink/testkit/otlp'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { transcodeTraces } from '../../src/otlp/trace/transcode-traces.ts'
import { findTopology } from '../../src/query/topology/find-topology.ts'
import { type Client, connect } from '../../src/clickhouse/client.ts'
import { type Engine, startEngine } from '../../src/clickhouse/engine/engine.ts'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import { applySchema } from '../../src/clickhouse/schema/schema.ts'
import { MS, nowNano, span } from '../query/order-spans.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-migration-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

/** An engine over the directory, without a schema. */
async function bareEngine(): Promise<{ readonly engine: Engine; readonly client: Client; stop(): Promise<void> }> {
  let client: Client | undefined
  const engine = await startEngine({
    dataDir: dir,
    answers: (access) => connect(access).answers(),
    onReady: async (access) => void (client = connect(access)),
    onDown: () => {},
    log: () => {},
  })
  if (client === undefined) throw new Error('the engine is not ready')
  const ready = client
  return {
    engine,
    client: ready,
    stop: async () => {
      await ready.close()
      await engine.stop()
    },
  }
}

async function run(client: Client, file: URL): Promise<void> {
  await client.command((await readFile(file, 'utf8')).replaceAll('{db}', 'spanlink'))
}

/** The tables as versions 1 to 5 made them. */
async function makeVersion5(client: Client): Promise<void> {
  await client.command('create database spanlink')
  const current = ['spans', 'span_links', 'sources', 'traces', 'traces_mv', 'operations']
  for (const name of current) await run(client, new URL(`../../src/clickhouse/schema/sql/${name}.sql`, import.meta.url))
  for (const name of ['operations_mv', 'topology_columns', 'topology_minutes', 'topology_minutes_mv']) {
    await run(client, new URL(`schema-5/${name}.sql`, import.meta.url))
  }
  for (const name of ['logs', 'metric_series', 'metric_points', 'attribute_indexes', 'spans_merges']) {
    await run(client, new URL(`../../src/clickhouse/schema/sql/${name}.sql`, import.meta.url))
  }
  await client.command(
    `create table spanlink.schema_version (version UInt32, applied DateTime('UTC') default now()) engine = MergeTree order by version`,
  )
  await client.command('insert into spanlink.schema_version (version) select number + 1 from numbers(5)', {
    async_insert: 0,
  })
}

const messaging = {
  'messaging.system': 'kafka',
  'messaging.destination.name': 'orders',
  'messaging.operation': 'publish',
  'messaging.kafka.offset': 7,
}

/** As the engine filled columns and topology itself: two sends on each of two days. */
async function putSends(client: Client, start: bigint): Promise<void> {
  for (const daysAgo of [0, 1]) {
    await client.command(
      `insert into spanlink.spans (received, trace_id, span_id, start, duration, kind, status, service, name, attrs)
      select now() - ${daysAgo} * 86400, sipHash128(number, ${daysAgo}), toString(number + ${daysAgo * 2}), ${start}, 10000000, 'producer',
        if(number = 0, 'error', 'unset'), 'shop', 'orders publish',
        map(${Object.entries(messaging)
          .flatMap(([key, value]) => [`'${key}'`, `'${value}'`])
          .join(', ')})
      from numbers(2)`,
    )
  }
}

async function edges(store: Parameters<typeof findTopology>[0], start: bigint): Promise<unknown> {
  const answer = await findTopology(store, { start: String(start - MS), end: String(start + 1000n * MS) }, {})
  return answer.edges.map(({ type, from, to, count, errorCount, duration }) => [
    type,
    from,
    to,
    count,
    errorCount,
    duration.p99,
  ])
}

test('a directory of schema 5 keeps its columns and its topology, and takes more', async () => {
  const start = nowNano()
  const before = await bareEngine()
  await makeVersion5(before.client)
  await putSends(before.client, start)
  await before.stop()

  const store = await openEmbeddedStore(dir)
  expect(await edges(store, start)).toEqual([['produce', 'service:shop', 'topic:kafka::orders', 4, 2, '10000000']])
  const attributes = Object.entries(messaging).map(([key, value]) => kv(key, value))
  const sent = span({ start, duration: 10n * MS, kind: 4, name: 'orders publish', attributes })
  const rows = transcodeTraces(encodeTraces(tracesOf('shop', [sent])), Math.floor(Date.now() / 1000))
  await store.insert('spans', [rows.spans], 'after')
  expect(await edges(store, start)).toEqual([['produce', 'service:shop', 'topic:kafka::orders', 5, 2, '10000000']])
  const [columns] = await store.query(
    `select count() as n, groupUniqArray((messaging_operation, messaging_system, topic, message_offset)) as said from spans`,
  )
  expect(columns).toEqual({ n: '5', said: [['send', 'kafka', 'orders', '7']] })
  await store.close()
})

test('a start that is cut off before it could say that it brought the tables up to date does it again, and nothing twice', async () => {
  const start = nowNano()
  const { client, stop } = await bareEngine()
  await makeVersion5(client)
  await putSends(client, start)
  await Promise.all([applySchema(client, 'spanlink'), applySchema(client, 'spanlink')])
  await client.command('alter table spanlink.schema_version delete where version >= 6', { mutations_sync: '2' })
  await applySchema(client, 'spanlink')
  const [sum] = await client.query('select sum(spans) as n, sum(errors) as failures from spanlink.traffic_minutes')
  expect(sum).toEqual({ n: '4', failures: '2' })
  expect(
    await client.query(`select name from system.tables where database = 'spanlink' and startsWith(name, 'topology')`),
  ).toEqual([])
  await stop()
})

test('traffic that was stored before clusters and messages were counted has no cluster, and a message a span', async () => {
  const { client, stop } = await bareEngine()
  await makeVersion5(client)
  await run(client, new URL('../../src/clickhouse/schema/sql/traffic_minutes.sql', import.meta.url))
  const columns = 'minute, received, topic, messaging_operation, service, spans, errors'
  const values = `(1, now(), 'orders', 'send', 'shop', 4, 2)`
  await client.command(`insert into spanlink.traffic_minutes (${columns}) values ${values}`)
  await client.command('insert into spanlink.schema_version (version) select number + 6 from numbers(3)', {
    async_insert: 0,
  })
  await applySchema(client, 'spanlink')
  await client.command(
    `insert into spanlink.traffic_minutes (${columns}, messages, failed_messages, cluster)
    values (1, now(), 'orders', 'send', 'shop', 1, 1, 10, 10, ''), (1, now(), 'orders', 'send', 'shop', 1, 0, 5, 0, 'east')`,
  )
  await client.command('optimize table spanlink.traffic_minutes final')
  expect(
    await client.query(
      'select cluster, spans, errors, messages, failed_messages as failed from spanlink.traffic_minutes order by cluster',
    ),
  ).toEqual([
    { cluster: '', spans: '5', errors: '3', messages: '14', failed: '12' },
    { cluster: 'east', spans: '1', errors: '0', messages: '5', failed: '0' },
  ])
  await stop()
})
