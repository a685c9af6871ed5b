import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { expect, test } from 'vitest'
import { transcodeTraces } from '../signals/transcode.ts'
import { deleteTraces } from '../../src/query/deletes/delete-traces.ts'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import { linkTo, nowNano, span } from '../query/order-spans.ts'

const DAY = 86_400

test.each([
  ['older than the retention', { keepSeconds: { traces: 3 * DAY } }],
  ['beyond the size limit', { maxBytes: 1 }],
])('whole days of arrival %s are dropped from all tables, and the newest day stays', async (_kind, retention) => {
  const dir = await mkdtemp(join(tmpdir(), 'spanlink-retention-'))
  const today = Math.floor(Date.now() / 1000)
  const filled = await openEmbeddedStore(dir)
  for (const [service, age] of [
    ['old', 6],
    ['older', 9],
    ['new', 0],
  ] as const) {
    // Old by arrival; the start time of each span is now.
    const sent = span({ start: nowNano() })
    const rows = transcodeTraces(
      encodeTraces(tracesOf(service, [{ ...sent, links: [linkTo(sent)] }])),
      today - age * DAY,
    )
    await filled.insert('sources', [rows.sources], service)
    await filled.insert('trace_rows', [rows.spans], service)
    await filled.insert('spans', [rows.spans], service)
  }
  // Leaves parts that mark rows of the old days.
  const [old] = await filled.query<{ id: string }>("select lower(hex(trace_id)) as id from spans where service = 'old'")
  expect(await deleteTraces(filled, [old?.id ?? ''], {})).toEqual({ deletedTraces: 1, deletedSpans: 1 })
  await filled.close()

  const store = await openEmbeddedStore(dir, { retention })
  const left = async (table: string): Promise<number> =>
    Number((await store.query<{ n: string }>(`select count() as n from ${table}`))[0]?.n)
  for (const table of ['spans', 'traffic_minutes', 'operations', 'sources']) {
    while ((await left(table)) !== 1) await sleep(50)
  }
  expect(await left('trace_rows')).toBe(2)
  expect(await store.query('select service from spans')).toEqual([{ service: 'new' }])
  expect(await store.query('select service from operations')).toEqual([{ service: 'new' }])
  await store.close()
  await rm(dir, { recursive: true })
})

test('logs and metrics are dropped by their own retention, and sources as long as a signal needs them', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'spanlink-retention-'))
  const today = Math.floor(Date.now() / 1000)
  const filled = await openEmbeddedStore(dir)
  for (const age of [0, 4, 6]) {
    const at = `toDateTime(${today - age * DAY})`
    for (const table of ['trace_rows', 'spans', 'traffic_minutes', 'logs', 'metric_points']) {
      await filled.changeRows(`insert into ${table} (received) values (${at})`, {})
    }
    await filled.changeRows(`insert into sources (source_id, received) values (${age}, ${at})`, {})
  }
  await filled.close()

  const lines: string[] = []
  const keepSeconds = { traces: 3 * DAY, logs: 5 * DAY }
  const store = await openEmbeddedStore(dir, { retention: { keepSeconds }, log: (line) => lines.push(line) })
  while (lines.length === 0) await sleep(20)
  const left = async (table: string) => (await store.query<{ n: string }>(`select count() as n from ${table}`))[0]?.n
  const tables = ['trace_rows', 'spans', 'traffic_minutes', 'logs', 'metric_points', 'sources']
  expect(await Promise.all(tables.map(left))).toEqual(['1', '1', '1', '2', '3', '3'])
  expect(lines).toEqual([
    expect.stringMatching(/^Retention dropped (?:traces, logs|logs, traces) of \d{8}; traces of \d{8}\.$/),
  ])
  await store.close()
  await rm(dir, { recursive: true })
})
