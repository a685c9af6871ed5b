import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { expect, onTestFinished, test } from 'vitest'
import { transcodeTraces } from '../signals/transcode.ts'
import type { Client } from '../../src/clickhouse/client.ts'
import type { StoreError } from '../../src/clickhouse/store-error.ts'
import { MS, nowNano, span } from '../query/order-spans.ts'
import { startEngineWithTables } from './bare-engine.ts'

test('spans are stored when ClickHouse rejects their rollups, and the error has the rollups to retry', async () => {
  const client = await openEngine()
  await client.command("alter table traffic_minutes add constraint no check service != 'shop'")
  const start = nowNano()
  const sent = [0, 1, 2].map((minute) => span({ name: `op ${minute}`, start: start - BigInt(minute * 60_000) * MS }))
  const { spans } = transcodeTraces(encodeTraces(tracesOf('shop', sent)), 1_800_000_000)
  const error = (await client.insert('spans', [spans], 'a').catch((failure: unknown) => failure)) as StoreError
  expect(error).toMatchObject({
    code: 'refused',
    unstored: [
      { table: 'traffic_minutes', rows: 3 },
      { table: 'operations', rows: 3 },
    ],
  })
  expect(await counts(client)).toEqual({ spans: '3', minutes: '0', operations: '0' })

  await client.command('alter table traffic_minutes drop constraint no')
  for (const { table, bytes } of error.unstored) {
    const first = await client.measureRows(table, bytes, 1)
    expect(first.rows).toBe(1)
    await client.insert(table, [bytes.subarray(0, first.bytes)], 'a.0')
    await client.insert(table, [bytes.subarray(first.bytes)], 'a.1')
  }
  expect(await counts(client)).toEqual({ spans: '3', minutes: '3', operations: '3' })
})

async function counts(client: Client): Promise<unknown> {
  const [row] =
    await client.query(`select (select count() from spans) as spans, (select sum(spans) from traffic_minutes) as minutes,
    (select count() from operations) as operations`)
  return row
}

async function openEngine(): Promise<Client> {
  const dir = await mkdtemp(join(tmpdir(), 'spanlink-summaries-'))
  const { client, stop } = await startEngineWithTables(dir)
  onTestFinished(async () => {
    await stop()
    await rm(dir, { recursive: true, force: true })
  })
  return client
}
