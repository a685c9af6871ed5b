import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { StoreError } from '../../src/clickhouse/store-error.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { retryQuarantined } from '../../src/journal/quarantine.ts'
import { manyRows, segmentFiles, startInserter, storeThat } from './inserter-setup.ts'

let dataDir: string

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'spanlink-insert-once-'))
})

afterEach(() => rm(dataDir, { recursive: true, force: true }))

test('a segment of an earlier run is inserted whole first, even if it exceeds the insert limit', async () => {
  const before = storeOfShards(1)
  const first = await startInserter(dataDir, disconnectAfter(before.store, 'spans'))
  await first.journal.append(manyRows('a', 30))
  await first.journal.close()
  await vi.waitUntil(() => before.rows('spans').length > 0, { timeout: 20_000 })
  await first.inserter.drain(1)
  expect(before.rows('spans')).toHaveLength(30)
  const second = await startInserter(dataDir, before.store, {}, 100)
  await second.journal.close()
  await second.inserter.drain(10_000)
  expect(before.rows('spans')).toEqual(Array.from({ length: 30 }, (_, at) => `span a${at}`))
  expect(before.rows('logs')).toHaveLength(30)
  expect(await segmentFiles(dataDir)).toEqual([])
})

test('a table that may already be stored is quarantined whole, and its retry stores each row once', async () => {
  const shards = storeOfShards(1)
  const first = await startInserter(dataDir, disconnectAfter(shards.store, 'spans'))
  await first.journal.append(manyRows('a', 30))
  await first.journal.close()
  await vi.waitUntil(() => shards.rows('spans').length > 0, { timeout: 20_000 })
  await first.inserter.drain(1)
  let isReadable = false
  const poisoned: Store = {
    ...shards.store,
    insert: async (table, rows, token) => {
      if (!isReadable && table === 'spans') throw new StoreError('bad-rows', 'cannot read it')
      await shards.store.insert(table, rows, token)
    },
  }
  const second = await startInserter(dataDir, poisoned)
  await vi.waitUntil(() => second.journal.getQuarantineDepth().segments === 1, { timeout: 5000 })
  await second.journal.close()
  isReadable = true
  await retryQuarantined(dataDir)
  const third = await startInserter(dataDir, poisoned, {}, 100)
  await third.journal.close()
  await third.inserter.drain(10_000)
  expect(shards.rows('spans')).toHaveLength(30)
  expect(shards.rows('logs')).toHaveLength(30)
  expect(shards.rows('sources')).toHaveLength(1)
  expect(await segmentFiles(dataDir)).toEqual([])
})

test('a stored table is not inserted again after a restart when the next table failed', async () => {
  const { store, inserts } = storeThat((table) => {
    if (table === 'logs') throw new Error('the engine is unavailable')
  })
  const first = await startInserter(dataDir, store)
  await first.journal.append(manyRows('a', 5))
  await first.journal.close()
  await vi.waitUntil(() => inserts.length === 3, { timeout: 20_000 })
  await first.inserter.drain(1)
  const second = await startInserter(dataDir, storeThat((table) => expect(table).toBe('logs')).store)
  await second.journal.close()
  await second.inserter.drain(5000)
  expect(inserts.map(({ table }) => table)).toEqual(['sources', 'trace_rows', 'spans'])
  expect(await segmentFiles(dataDir)).toEqual([])
})

test.each(['too-heavy', 'refused'] as const)(
  'an insert that one shard rejects as %s after another stored its part is retried under the same token',
  async (code) => {
    let rejections = 0
    const shards = storeOfShards(2, (shard, table) => {
      if (shard === 1 && table === 'spans' && rejections++ < 4) throw new StoreError(code, 'shard 1 rejects it')
    })
    const { journal, inserter } = await startInserter(dataDir, shards.store)
    await journal.append(manyRows('a', 30))
    await journal.close()
    await inserter.drain(20_000)
    expect(rejections).toBeGreaterThan(4)
    expect(shards.rows('spans').toSorted()).toEqual(Array.from({ length: 30 }, (_, at) => `span a${at}`).toSorted())
    expect(journal.getQuarantineDepth().segments).toBe(0)
    expect(await segmentFiles(dataDir)).toEqual([])
  },
)

test('rollup rows that one shard rejects are retried with their spans under the same token', async () => {
  let rejections = 0
  const shards = storeOfShards(2, (shard, table) => {
    if (shard === 1 && table === 'traffic_minutes' && rejections++ < 4) throw new StoreError('too-heavy', 'no memory')
  })
  const minutes = Buffer.from('minute 0,minute 1,minute 2,')
  const summing: Store = {
    ...shards.store,
    insert: async (table, rows, token) => {
      await shards.store.insert(table, rows, token)
      if (table !== 'spans') return
      try {
        await shards.store.insert('traffic_minutes', [minutes], token)
      } catch (error) {
        const { code, message } = error as StoreError
        throw new StoreError(code, message, { unstored: [{ table: 'traffic_minutes', rows: 3, bytes: minutes }] })
      }
    },
  }
  const { journal, inserter } = await startInserter(dataDir, summing)
  await journal.append(manyRows('a', 10))
  await journal.close()
  await inserter.drain(20_000)
  expect(shards.rows('traffic_minutes').toSorted()).toEqual(['minute 0', 'minute 1', 'minute 2'])
  expect(shards.rows('spans')).toHaveLength(10)
  expect(await segmentFiles(dataDir)).toEqual([])
})

/** Each shard stores its part of an insert, unless it has seen the token. */
function storeOfShards(
  count: number,
  decide: (shard: number, table: string) => void = () => {},
): { store: Store; rows: (table: string) => string[] } {
  const stored = Array.from({ length: count }, () => new Map<string, string[]>())
  const { store } = storeThat(() => {})
  const sharded: Store = {
    ...store,
    isSharded: count > 1,
    insert: async (table, chunks, token) => {
      const rows = Buffer.concat(chunks).toString().split(',').slice(0, -1)
      for (const [shard, known] of stored.entries()) {
        const part = rows.filter((row) => row.charCodeAt(row.length - 1) % count === shard)
        decide(shard, table)
        if (!known.has(`${table} ${token}`)) known.set(`${table} ${token}`, part)
      }
    },
  }
  const rows = (table: string): string[] =>
    stored.flatMap((shard) => [...shard].flatMap(([key, part]) => (key.startsWith(`${table} `) ? part : [])))
  return { store: sharded, rows }
}

/** The connection breaks after the table's rows are stored, before the response. */
function disconnectAfter(store: Store, last: string): Store {
  return {
    ...store,
    insert: async (table, rows, token) => {
      await store.insert(table, rows, token)
      if (table === last) throw new StoreError('unavailable', 'the connection broke', { cause: new Error('reset') })
    },
  }
}
