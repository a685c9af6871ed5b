import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { transcodeTraces } from '../signals/transcode.ts'
import { type EmbeddedStore, openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import { StoreError } from '../../src/clickhouse/store-error.ts'
import { linkTo, nowNano, span } from '../query/order-spans.ts'

// Tests are concurrent: most of a start is waiting for the engine.
let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'spanlink-store-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

function makeDir(): Promise<string> {
  return mkdtemp(join(root, 'data-'))
}

const tables = ['spans', 'trace_rows', 'sources', 'operations'] as const

function someRows(count: number, received = Math.floor(Date.now() / 1000)): ReturnType<typeof transcodeTraces> {
  const producer = span({ start: nowNano() })
  const spans = Array.from({ length: count }, () => span({ start: nowNano(), links: [linkTo(producer)] }))
  return transcodeTraces(encodeTraces(tracesOf('shop', spans)), received)
}

async function insertAll(store: EmbeddedStore, rows: ReturnType<typeof transcodeTraces>, token: string): Promise<void> {
  await store.insert('sources', [rows.sources], token)
  await store.insert('trace_rows', [rows.spans], token)
  await store.insert('spans', [rows.spans], token)
}

async function rowCounts(store: EmbeddedStore): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const table of tables) {
    const [row] = await store.query<{ n: string }>(`select count() as n from ${table}`)
    counts[table] = Number(row?.n)
  }
  const [summed] = await store.query<{ n: string }>('select sum(spans) as n from traffic_minutes')
  counts['summed_up'] = Number(summed?.n)
  return counts
}

async function untilReady(store: EmbeddedStore): Promise<void> {
  while (store.state() !== 'ready') await sleep(20)
}

test.concurrent('rows survive a restart, and a token is stored once before and after it', async () => {
  const dir = await makeDir()
  const rows = someRows(50)
  const expected = { spans: 50, trace_rows: 100, sources: 1, operations: 1, summed_up: 50 }
  const first = await openEmbeddedStore(dir)
  await insertAll(first, rows, 'segment-1')
  await insertAll(first, rows, 'segment-1')
  expect(await rowCounts(first)).toEqual(expected)
  await first.close()

  const second = await openEmbeddedStore(dir)
  expect(await rowCounts(second)).toEqual(expected)
  await insertAll(second, rows, 'segment-1')
  expect(await rowCounts(second)).toEqual(expected)
  expect(await second.info()).toMatchObject({ spans: 50, links: 50, traces: 50, restarts: 0 })
  await second.close()
})

test.concurrent('an insert whose part was not committed is repeated by its retry in the table and its rollups', async () => {
  const dir = await makeDir()
  const rows = someRows(50)
  const killed = await openEmbeddedStore(dir)
  // On another day: parts of two days are never merged.
  await insertAll(killed, someRows(1, Math.floor(Date.now() / 1000) - 86_400), 'before')
  await insertAll(killed, rows, 'torn')
  const parts = await killed.query<{ table: string; path: string }>(
    `select table, path from system.parts
    where database = currentDatabase() and active and table in ('spans', 'trace_rows', 'traffic_minutes')
      and partition_id = (select max(partition_id) from system.parts where database = currentDatabase() and table = 'spans')`,
  )
  await killed.close()
  // The state after a kill between writing the token and committing the part.
  expect(parts.map(({ table }) => table).toSorted()).toEqual(['spans', 'trace_rows', 'traffic_minutes'])
  for (const { path } of parts) await rm(path, { recursive: true })

  const next = await openEmbeddedStore(dir)
  await insertAll(next, rows, 'torn')
  const counts = { spans: 51, trace_rows: 102, sources: 2, summed_up: 51 }
  expect(await rowCounts(next)).toMatchObject(counts)
  await insertAll(next, rows, 'torn')
  expect(await rowCounts(next)).toMatchObject(counts)
  await next.close()
})

test.concurrent('sources and operations are stored once per ten minutes, not with each segment', async () => {
  const store = await openEmbeddedStore(await makeDir())
  const bucket = Math.floor(Date.now() / 600_000) * 600
  const last = async (): Promise<unknown> => {
    const [row] = await store.query(
      `select (select toUnixTimestamp(max(received)) from sources) as source,
        (select toUnixTimestamp(max(received)) from operations) as operation, count() as spans from spans`,
    )
    return row
  }
  await insertAll(store, someRows(3, bucket), 'first')
  await insertAll(store, someRows(3, bucket + 599), 'in the same ten minutes')
  expect(await last()).toEqual({ source: bucket, operation: bucket, spans: '6' })
  await insertAll(store, someRows(3, bucket + 600), 'later')
  expect(await last()).toEqual({ source: bucket + 600, operation: bucket + 600, spans: '9' })
  await store.close()
})

test.concurrent('chunks of an insert are stored together, and a row split over chunks is rejected', async () => {
  const requests = Array.from({ length: 7 }, (_, index) => someRows(index === 3 ? 300 : index).spans)
  const store = await openEmbeddedStore(await makeDir())
  for (const table of ['trace_rows', 'spans'] as const) {
    await store.insert(table, requests, 'chunked')
    await expect(
      store.insert(table, [requests[1]!.subarray(0, -1), requests[1]!.subarray(-1)], 'cut'),
    ).rejects.toMatchObject({ code: 'bad-rows' })
  }
  expect(await rowCounts(store)).toMatchObject({ spans: 318, trace_rows: 636 })
  await store.close()
})

test.concurrent('a segment that spans midnight is stored once', async () => {
  const midnight = Math.floor(Date.now() / 86_400_000) * 86_400
  const [before, after] = [someRows(5, midnight - 1), someRows(5, midnight)]
  const store = await openEmbeddedStore(await makeDir())
  for (const table of ['trace_rows', 'trace_rows', 'spans', 'spans'] as const) {
    await store.insert(table, [before.spans, after.spans], 'midnight')
  }
  expect(await rowCounts(store)).toMatchObject({ spans: 10, trace_rows: 20 })
  await store.close()
})

test.concurrent('an insert that ClickHouse cannot parse stores no rows', async () => {
  const store = await openEmbeddedStore(await makeDir())
  const rows = someRows(10).spans
  for (const table of ['trace_rows', 'spans'] as const) {
    await expect(store.insert(table, [rows.subarray(0, -3)], 'torn')).rejects.toMatchObject({ code: 'bad-rows' })
  }
  expect(await rowCounts(store)).toMatchObject({ spans: 0, trace_rows: 0 })
  await store.close()
})

test.concurrent('an engine that dies is restarted, and inserts in flight are stored once by their retry', async () => {
  const store = await openEmbeddedStore(await makeDir())
  let sent = 0
  for (let kill = 0; kill < 3; kill += 1) {
    const rows = someRows(500)
    const token = `segment-${kill}`
    const inFlight = insertAll(store, rows, token).catch((error: unknown) => error)
    const pid = store.enginePid()
    if (pid === undefined) throw new Error('no engine')
    await sleep(kill * 7)
    process.kill(pid, 'SIGKILL')
    await inFlight
    // Like the receiver: retry the same rows with the same token.
    for (;;) {
      await untilReady(store)
      const error: unknown = await insertAll(store, rows, token).catch((reason: unknown) => reason)
      if (error === undefined) break
      expect(error).toBeInstanceOf(StoreError)
      await sleep(20)
    }
    sent += 500
    expect(await rowCounts(store)).toMatchObject({ spans: sent, trace_rows: 2 * sent })
  }
  expect((await store.info()).restarts).toBeGreaterThanOrEqual(3)
  await store.close()
})

test.concurrent('an engine that crashes at its start is started again, twice at most', async () => {
  for (const [crashes, outcome] of [
    [2, 'ready'],
    [3, /did not start: SIGKILL/],
  ] as const) {
    const dir = await makeDir()
    let starts = 0
    const crash = (message: unknown): void => {
      const { process } = message as { readonly process: ChildProcess }
      process.once('spawn', () => {
        if (process.spawnargs.some((argument) => argument.includes(dir)) && ++starts <= crashes) process.kill('SIGKILL')
      })
    }
    subscribe('child_process', crash)
    const opened = await openEmbeddedStore(dir).then(
      async (store) => {
        await store.close()
        return 'ready'
      },
      (error: unknown) => String(error),
    )
    unsubscribe('child_process', crash)
    expect(opened).toMatch(outcome)
    expect(starts).toBe(3)
  }
})

test.concurrent('queries fail as unavailable while the engine is down, and succeed after its restart', async () => {
  const store = await openEmbeddedStore(await makeDir())
  process.kill(store.enginePid() ?? 0, 'SIGKILL')
  while (store.state() === 'ready') await sleep(5)
  await expect(store.query('select 1')).rejects.toMatchObject({ code: 'unavailable' })
  await untilReady(store)
  expect(await store.query('select 1 as one')).toEqual([{ one: 1 }])
  await store.close()
  expect(store.state()).toBe('down')
  await expect(store.query('select 1')).rejects.toMatchObject({ code: 'unavailable' })
})

test.concurrent('a query that is cancelled or times out is stopped in ClickHouse', async () => {
  const store = await openEmbeddedStore(await makeDir())
  const endless = 'select sum(cityHash64(number)) from numbers(1000000000000)'
  const running =
    "select count() as n from system.processes where query like '%cityHash64%' and query not like '%processes%'"
  await expect(store.query(endless, {}, { timeoutMs: 300 })).rejects.toMatchObject({ code: 'timeout' })

  const client = new AbortController()
  const cancelled = store.query(endless, {}, { signal: client.signal }).catch((error: unknown) => error)
  while ((await store.query<{ n: string }>(running))[0]?.n !== '1') await sleep(20)
  client.abort()
  expect(await cancelled).toMatchObject({ code: 'cancelled' })
  while ((await store.query<{ n: string }>(running))[0]?.n !== '0') await sleep(20)
  await store.close()
})

test.concurrent('a query cannot write or read files', async () => {
  const store = await openEmbeddedStore(await makeDir())
  await expect(store.query('drop table spans')).rejects.toMatchObject({ code: 'refused' })
  await expect(store.query("select * from file('/etc/passwd', 'LineAsString')")).rejects.toMatchObject({
    code: 'refused',
  })
  await store.close()
})

test.concurrent('the engine responds only to its own server', async () => {
  const dir = await makeDir()
  const store = await openEmbeddedStore(dir)
  const config = await readFile(join(dir, 'engine/engine.xml'), 'utf8')
  const port = /<http_port>(\d+)</.exec(config)?.[1]
  const key = /<X-Spanlink-Engine>(\w+)</.exec(config)?.[1] ?? ''
  const request = (headers: Record<string, string>): Promise<number> =>
    fetch(`http://127.0.0.1:${port}/?query=select+count()+from+spanlink.spans`, { headers }).then((r) => r.status)
  expect(await request({})).toBe(404)
  expect(await request({ 'x-spanlink-engine': 'guess' })).toBe(404)
  expect(await request({ 'x-spanlink-engine': key })).not.toBe(200)
  expect(await request({ 'x-spanlink-engine': key, authorization: `Basic ${btoa('spanlink:guess')}` })).not.toBe(200)
  expect((await stat(join(dir, 'engine/engine.xml'))).mode & 0o077).toBe(0)
  await store.close()
})

test.concurrent('a data directory in use is rejected with the process id, and usable again after close', async () => {
  const dir = await makeDir()
  const store = await openEmbeddedStore(dir)
  await expect(openEmbeddedStore(dir)).rejects.toMatchObject({
    code: 'data-dir-in-use',
    message: expect.stringContaining(`process ${process.pid}`),
  })
  expect(await store.query('select 1 as one')).toEqual([{ one: 1 }])
  await store.close()
  await (await openEmbeddedStore(dir)).close()
})

test.concurrent.each([
  ['a file', (dir: string) => join(dir, 'file'), /it is a file/],
  ['below a file', (dir: string) => join(dir, 'file/data'), /part of the path is a file|it is a file/],
  ['in a file system without directories', () => '/proc/spanlink/data', /no directory can be made there|no permission/],
])('a data directory that is %s is rejected with one line', async (_kind, path, reason) => {
  const dir = await makeDir()
  await writeFile(join(dir, 'file'), '')
  const error: unknown = await openEmbeddedStore(path(dir)).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'data-dir-unusable', message: expect.stringMatching(reason) })
  expect(String(error)).not.toContain('\n')
})

test.concurrent('an engine exits when its server is killed, and the next server waits for the data directory', async () => {
  const dir = await makeDir()
  for (let round = 0; round < 3; round += 1) {
    const script = `
      import { openEmbeddedStore } from ${JSON.stringify(new URL('../../src/clickhouse/engine/open-embedded.ts', import.meta.url).href)}
      const store = await openEmbeddedStore(${JSON.stringify(dir)})
      console.log(store.enginePid())`
    const server = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await new Promise<Buffer[]>((resolve) => server.stdout.once('data', (data) => resolve([data])))
    const enginePid = Number(line)
    const exited = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGKILL')
    await exited
    const store = await openEmbeddedStore(dir)
    expect(await store.query('select 1 as one')).toEqual([{ one: 1 }])
    expect(store.enginePid()).not.toBe(enginePid)
    while (isRunning(enginePid)) await sleep(20)
    await store.close()
  }
})

test.concurrent('data of a newer schema is rejected and its engine stopped', async () => {
  const dir = await makeDir()
  const store = await openEmbeddedStore(dir)
  const row = Buffer.alloc(8)
  row.writeUInt32LE(1000)
  await store.insert('schema_migrations' as 'spans', [row], 'newer')
  await store.close()
  await expect(openEmbeddedStore(dir)).rejects.toMatchObject({ code: 'unsupported-schema' })
  await expect(openEmbeddedStore(dir)).rejects.toMatchObject({ code: 'unsupported-schema' })
})

/** False for a zombie too, whose resources are released. */
function isRunning(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z')
}

test.concurrent('a merged part is removed after a minute, and with fsync inserts and merges reach the disk first', async () => {
  const changed = async (store: EmbeddedStore): Promise<Record<string, string>> => {
    const rows = await store.query<{ name: string; value: string }>(
      `select name, value from system.merge_tree_settings where name in ('old_parts_lifetime', 'cleanup_delay_period',
        'fsync_after_insert', 'fsync_part_directory', 'min_rows_to_fsync_after_merge')`,
    )
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]))
  }
  const removal = { old_parts_lifetime: '60', cleanup_delay_period: '2' }
  const plain = await openEmbeddedStore(await makeDir())
  const off = { fsync_after_insert: '0', fsync_part_directory: '0', min_rows_to_fsync_after_merge: '0' }
  expect(await changed(plain)).toEqual({ ...removal, ...off })
  await plain.close()
  const synced = await openEmbeddedStore(await makeDir(), { fsync: true })
  const on = { fsync_after_insert: '1', fsync_part_directory: '1', min_rows_to_fsync_after_merge: '1' }
  expect(await changed(synced)).toEqual({ ...removal, ...on })
  await insertAll(synced, someRows(5), 'segment-1')
  expect((await rowCounts(synced)).spans).toBe(5)
  await synced.close()
})
