import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { acquireBuffer } from '../runtime/buffer-pool.ts'
import { StoreError } from '../clickhouse/store-error.ts'
import type { Store } from '../clickhouse/store.ts'
import {
  manyRows,
  requestOf,
  rowsOf,
  rowsStored,
  segmentFiles,
  startInserter,
  storeThat,
} from '../../test/durability/inserter-setup.ts'

let dataDir: string

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'spanlink-flush-'))
})

afterEach(() => rm(dataDir, { recursive: true, force: true }))

test("a segment's sources are inserted first, then its spans, then its logs, all with one token", async () => {
  const { store, inserts } = storeThat(() => {})
  const { journal, inserter } = await startInserter(dataDir, store)
  await journal.append(rowsOf('a'))
  await journal.append(rowsOf('b'))
  await journal.close()
  await inserter.drain(5000)
  expect(inserts.map(({ table, text }) => `${table} ${text}`)).toEqual([
    'sources source a,source b,',
    'trace_rows span a,span b,',
    'spans span a,span b,',
    'logs log a,log b,',
  ])
  expect(new Set(inserts.map((insert) => insert.token)).size).toBe(1)
  expect(await segmentFiles(dataDir)).toEqual([])
})

test('a failed insert is retried with the same rows and the same token', async () => {
  let failures = 0
  const { store, inserts } = storeThat((table) => {
    if (table === 'logs' && failures++ < 2) throw new Error('ClickHouse is unavailable')
  })
  const { journal, inserter } = await startInserter(dataDir, store)
  await journal.append(rowsOf('a'))
  await journal.close()
  await inserter.drain(10_000)
  expect(inserts.map((insert) => insert.table)).toEqual(['sources', 'trace_rows', 'spans', 'logs'])
  expect(new Set(inserts.map((insert) => insert.token)).size).toBe(1)
  expect(journal.getDepth().segments).toBe(0)
})

test('a segment that is not stored before the drain deadline is stored by the next start', async () => {
  const unavailable = storeThat(() => {
    throw new Error('ClickHouse is unavailable')
  })
  const first = await startInserter(dataDir, unavailable.store)
  await first.journal.append(rowsOf('a'))
  await first.journal.close()
  await first.inserter.drain(1)
  expect(await segmentFiles(dataDir)).toHaveLength(1)
  const back = storeThat(() => {})
  const second = await startInserter(dataDir, back.store)
  await second.journal.close()
  await second.inserter.drain(5000)
  expect(back.inserts.map((insert) => insert.text)).toEqual(['source a,', 'span a,', 'span a,', 'log a,'])
  expect(await segmentFiles(dataDir)).toEqual([])
})

test('acknowledgements wait while the store is slow, but not while it is unavailable', async () => {
  let open: () => void = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  let unavailable = false
  const slow = storeThat(() => {
    if (unavailable) throw new Error('ClickHouse is unavailable')
    return gate
  })
  const { journal, inserter } = await startInserter(dataDir, slow.store, { maxSegmentRows: 1 })
  await inserter.waitForCapacity()
  await journal.append(rowsOf('a'))
  await journal.append(rowsOf('b'))
  await journal.close()
  const room = inserter.waitForCapacity()
  const turn = new Promise((resolve) => setImmediate(() => resolve('still waiting')))
  expect(await Promise.race([room, turn])).toBe('still waiting')
  unavailable = true
  open()
  await room
  await inserter.waitForCapacity()
  expect(journal.getDepth().segments).toBe(2)
  await inserter.drain(1)
})

test('a segment too large for one insert is inserted in pieces, sources and spans before logs', async () => {
  const { store, inserts } = storeThat(() => {})
  const { journal, inserter } = await startInserter(dataDir, store, {}, 100)
  await journal.append(manyRows('a', 30))
  await journal.close()
  await inserter.drain(10_000)
  expect(rowsStored(inserts, 'spans')).toEqual(Array.from({ length: 30 }, (_, at) => `span a${at}`))
  expect(rowsStored(inserts, 'logs')).toEqual(Array.from({ length: 30 }, (_, at) => `log a${at}`))
  expect(inserts[0]?.table).toBe('sources')
  expect(inserts.findLastIndex(({ table }) => table === 'spans')).toBeLessThan(
    inserts.findLastIndex(({ table }) => table === 'logs'),
  )
  expect(inserts.every(({ text }) => text.length <= 100)).toBe(true)
  expect(new Set(inserts.map(({ table, token }) => table + token)).size).toBe(inserts.length)
  expect(await segmentFiles(dataDir)).toEqual([])
})

test('an insert that exceeds the memory limit is split until it fits, and each row is stored once', async () => {
  const { store, inserts } = storeThat((_, text) => {
    if (text.length > 60) throw new StoreError('too-heavy', 'memory limit exceeded')
  })
  const { journal, inserter } = await startInserter(dataDir, store)
  await journal.append(manyRows('a', 40))
  await journal.close()
  await inserter.drain(20_000)
  expect(inserts.filter(({ table }) => table === 'sources').map(({ text }) => text)).toContain('source a,')
  expect(new Set(inserts.filter(({ table }) => table === 'sources').map(({ token }) => token)).size).toBe(1)
  expect(rowsStored(inserts, 'spans').toSorted()).toEqual(
    Array.from({ length: 40 }, (_, at) => `span a${at}`).toSorted(),
  )
  expect(rowsStored(inserts, 'logs')).toHaveLength(40)
  expect(journal.getQuarantineDepth().segments).toBe(0)
  expect(await segmentFiles(dataDir)).toEqual([])
})

test('fetch rows that are stored are not stored again when their search rows are split', async () => {
  const { store, inserts } = storeThat((table, text) => {
    if (table === 'spans' && text.length > 60) throw new StoreError('too-heavy', 'memory limit exceeded')
  })
  const { journal, inserter } = await startInserter(dataDir, store)
  await journal.append(manyRows('a', 40))
  await journal.close()
  await inserter.drain(20_000)
  const all = Array.from({ length: 40 }, (_, at) => `span a${at}`).toSorted()
  expect(rowsStored(inserts, 'trace_rows').toSorted()).toEqual(all)
  expect(rowsStored(inserts, 'spans').toSorted()).toEqual(all)
  expect(rowsStored(inserts, 'logs')).toHaveLength(40)
  expect(await segmentFiles(dataDir)).toEqual([])
})

test('a row that the store rejects is quarantined alone, logged once, and delays no other rows', async () => {
  const { store, inserts } = storeThat((table, text) => {
    if (table === 'spans' && text.includes('poison')) throw new StoreError('bad-rows', 'cannot read it')
  })
  const lines: string[] = []
  const { journal, inserter } = await startInserter(dataDir, store, { maxSegmentRows: 1 }, undefined, lines)
  await journal.append(manyRows('a', 8, ['span a0', 'span a1', 'poison', 'span a3']))
  for (let at = 0; at < 5; at++) await journal.append(rowsOf(`good ${at}`))
  await journal.close()
  await inserter.drain(20_000)
  const good = Array.from({ length: 5 }, (_, at) => `span good ${at}`)
  expect(rowsStored(inserts, 'spans').toSorted()).toEqual(['span a0', 'span a1', 'span a3', ...good])
  expect(rowsStored(inserts, 'logs')).toHaveLength(8 + 5)
  expect(journal.getQuarantineDepth()).toMatchObject({ segments: 1, lastError: 'cannot read it' })
  expect(lines.filter((line) => line.includes('quarantine'))).toHaveLength(1)
  expect(await segmentFiles(dataDir)).toEqual([])
})

test('a segment that fails for an unknown reason is quarantined only once another segment was stored', async () => {
  const { store, inserts } = storeThat((_, text) => {
    if (text.includes('odd')) throw new StoreError('refused', 'no such luck')
  })
  const { journal, inserter } = await startInserter(dataDir, store, { maxSegmentRows: 1 })
  await journal.append(rowsOf('odd'))
  await journal.append(rowsOf('good'))
  await vi.waitUntil(() => journal.getQuarantineDepth().segments === 1, { timeout: 20_000 })
  expect(rowsStored(inserts, 'spans')).toEqual(['span good'])
  await journal.close()
  await inserter.drain(1)
})

test('two segments that keep failing do not block others', async () => {
  const { store, inserts } = storeThat((_, text) => {
    if (text.includes('odd')) throw new StoreError('unavailable', 'one shard is unavailable')
  })
  const { journal, inserter } = await startInserter(dataDir, store, { maxSegmentRows: 1 })
  await journal.append(rowsOf('odd 1'))
  await journal.append(rowsOf('odd 2'))
  await journal.append(rowsOf('good'))
  await vi.waitUntil(() => rowsStored(inserts, 'spans').includes('span good'), { timeout: 20_000 })
  await vi.waitUntil(() => journal.getDepth().segments === 2, { timeout: 20_000 })
  expect(inserter.getStalledMs()).toBeGreaterThan(0)
  await journal.close()
  await inserter.drain(1)
})

test('a segment whose rows may be stored is retried before the waiting segments', async () => {
  let failures = 0
  const { store, inserts } = storeThat(async (table, text) => {
    await sleep(10)
    if (table === 'spans' && text.includes('span odd') && failures++ < 1) throw new Error('socket hang up')
  })
  const { journal, inserter } = await startInserter(dataDir, store, { maxSegmentRows: 1 })
  await journal.append(rowsOf('odd'))
  for (let at = 0; at < 60; at++) await journal.append(rowsOf(`good ${at}`))
  await journal.close()
  await inserter.drain(20_000)
  const stored = rowsStored(inserts, 'spans')
  expect(stored).toHaveLength(61)
  expect(stored.indexOf('span odd')).toBeLessThan(50)
})

test('after a restart segments whose rows may be stored are inserted first', async () => {
  const unavailable = storeThat((table, text) => {
    if (text.includes('odd') && table === 'spans') throw new Error('socket hang up')
    if (!text.includes('odd')) throw new StoreError('unavailable', 'ClickHouse is not running.')
  })
  const first = await startInserter(dataDir, unavailable.store, { maxSegmentRows: 1 })
  for (const name of ['a', 'b', 'odd', 'c']) await first.journal.append(rowsOf(name))
  await first.journal.close()
  const isMarked = async (): Promise<boolean> => {
    const files = await segmentFiles(dataDir)
    return files.filter((name) => name.endsWith('@spans.segment')).length === 1 && files.length === 4
  }
  await vi.waitUntil(isMarked, { timeout: 20_000 })
  await first.inserter.drain(1)
  const back = storeThat(() => {})
  const second = await startInserter(dataDir, back.store)
  await second.journal.close()
  await second.inserter.drain(5000)
  expect(rowsStored(back.inserts, 'spans')).toHaveLength(4)
  expect(back.inserts[0]?.text).toBe('span odd,')
})

test('a failed rollup insert is split and quarantined apart from its rows, which are stored once', async () => {
  const bytes = Buffer.from('minute 0,poison,minute 2,')
  const failure = new StoreError('too-heavy', 'memory limit exceeded', {
    unstored: [{ table: 'traffic_minutes', rows: 3, bytes }],
  })
  const { store, inserts } = storeThat((table, text) => {
    if (table === 'traffic_minutes' && text.includes('poison')) throw new StoreError('bad-rows', 'cannot read it')
  })
  const stored = new Set<string>()
  const summing: Store = {
    ...store,
    insert: async (table, rows, token) => {
      if (!stored.has(table + token)) await store.insert(table, rows, token)
      stored.add(table + token)
      if (table === 'spans') throw failure
    },
  }
  const { journal, inserter } = await startInserter(dataDir, summing)
  await journal.append(manyRows('a', 10))
  await journal.close()
  await inserter.drain(20_000)
  expect(rowsStored(inserts, 'spans')).toHaveLength(10)
  expect(rowsStored(inserts, 'logs')).toHaveLength(10)
  expect(rowsStored(inserts, 'traffic_minutes').toSorted()).toEqual(['minute 0', 'minute 2'])
  expect(journal.getQuarantineDepth()).toMatchObject({ segments: 1, lastError: 'cannot read it' })
  expect(await segmentFiles(dataDir)).toEqual([])
})

test.each([
  { how: 'at once', maxInsertBytes: 1000 },
  { how: 'in pieces', maxInsertBytes: 30 },
])(
  'the readable part of a damaged segment is stored $how, the loss is logged and the file kept',
  async ({ maxInsertBytes }) => {
    const firstLines: string[] = []
    const first = await startInserter(
      dataDir,
      storeThat(() => {
        throw new StoreError('unavailable', 'ClickHouse is unavailable')
      }).store,
      {},
      1000,
      firstLines,
    )
    for (const name of ['a', 'b', 'c']) await first.journal.append(rowsOf(name))
    await first.journal.close()
    await vi.waitUntil(() => firstLines.some((line) => line.includes('retry in')), { timeout: 20_000 })
    await first.inserter.drain(1)
    const [name = ''] = await segmentFiles(dataDir)
    const path = join(dataDir, 'journal', name)
    const file = await readFile(path)
    file.write('?', file.indexOf('span b'))
    await writeFile(path, file)
    const { store, inserts } = storeThat(() => {})
    const lines: string[] = []
    const { journal, inserter } = await startInserter(dataDir, store, {}, maxInsertBytes, lines)
    await journal.close()
    await inserter.drain(5000)
    expect(rowsStored(inserts, 'spans')).toEqual(['span a', 'span c'])
    expect(journal.getDepth()).toMatchObject({ segments: 0, tornBytes: 0 })
    expect(journal.getDepth().unreadableBytes).toBe(Math.round(file.length / 3))
    expect(lines.join()).toMatch(/is damaged: \d+ unreadable bytes are lost/)
    expect(await readdir(join(dataDir, 'journal', 'damaged'))).toContain(name.replace(/@[a-z-]+/, ''))
  },
)

/** A directory can't be read, like a file on a bad disk. */
const unreadableName = '0mx2000000-aaaaaaaaaaaaaaaa.segment'

test('a segment that cannot be read is set aside and counted, while others are stored and acks wait for them', async () => {
  await mkdir(join(dataDir, 'journal', unreadableName), { recursive: true })
  let open: () => void = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const { store, inserts } = storeThat(() => gate)
  const lines: string[] = []
  const { journal, inserter } = await startInserter(dataDir, store, { maxSegmentRows: 1 }, undefined, lines)
  await vi.waitUntil(() => lines.some((line) => line.includes("can't be read")), { timeout: 20_000 })
  await journal.append(rowsOf('a'))
  await journal.append(rowsOf('b'))
  await journal.close()
  const room = inserter.waitForCapacity()
  const turn = new Promise((resolve) => setImmediate(() => resolve('still waiting')))
  expect(await Promise.race([room, turn])).toBe('still waiting')
  open()
  // The log follows the move of the file; the count comes first.
  const isSetAside = (): boolean => lines.some((line) => line.includes('bytes are lost'))
  await vi.waitUntil(() => isSetAside() && journal.getDepth().segments === 0, { timeout: 20_000 })
  // Two segments are inserted at a time.
  expect(rowsStored(inserts, 'spans').toSorted()).toEqual(['span a', 'span b'])
  expect(await readdir(join(dataDir, 'journal', 'damaged'))).toContain(unreadableName)
  expect(journal.getDepth().unreadableBytes).toBeGreaterThan(0)
  expect(inserter.getStalledMs()).toBe(0)
  expect(lines.filter((line) => line.startsWith('Journal segment'))).toEqual([
    expect.stringContaining("can't be read, retrying"),
    expect.stringMatching(/can't be read: \d+ bytes are lost.*journal\/damaged.*EISDIR/),
  ])
}, 30_000)

test('a segment that can be neither read nor moved is counted and left for the next start', async () => {
  await mkdir(join(dataDir, 'journal', unreadableName), { recursive: true })
  const { store } = storeThat(() => {})
  const lines: string[] = []
  const { journal, inserter } = await startInserter(dataDir, store, {}, undefined, lines)
  await writeFile(join(dataDir, 'journal', 'damaged'), 'not a directory')
  // The log follows the count.
  const isLogged = (): boolean => lines.at(-1)?.includes('stays in the journal: the next start reads it again') === true
  await vi.waitUntil(() => isLogged() && journal.getDepth().segments === 0, { timeout: 20_000 })
  expect(journal.getDepth().unreadableBytes).toBeGreaterThan(0)
  expect(await segmentFiles(dataDir)).toEqual([unreadableName])
  expect(inserter.getStalledMs()).toBe(0)
  await journal.close()
}, 30_000)

test('a segment whose file was removed by another process is logged once, as lost', async () => {
  await mkdir(join(dataDir, 'journal'), { recursive: true })
  await symlink('/nowhere', join(dataDir, 'journal', unreadableName))
  const { store } = storeThat(() => {})
  const lines: string[] = []
  const { journal } = await startInserter(dataDir, store, {}, undefined, lines)
  await vi.waitUntil(() => journal.getDepth().segments === 0, { timeout: 20_000 })
  await journal.close()
  expect(lines.filter((line) => !line.startsWith('Queued') && !line.startsWith('Replaying'))).toEqual([
    expect.stringContaining('was removed by another process: its rows are lost'),
  ])
})

test('rows stay intact until they are stored, while buffers of stored rows are reused', async () => {
  let attempts = 0
  const stored: number[] = []
  const { store } = storeThat(() => {})
  const reading: Store = {
    ...store,
    insert: async (_, rows) => {
      await sleep(attempts % 4)
      if (attempts++ % 20 === 7) throw new Error('ClickHouse is unavailable')
      // Each request consists of one repeated byte.
      for (const row of rows) {
        const [first] = row
        if (row.every((byte) => byte === first)) stored.push(first ?? -1)
      }
    },
  }
  const { journal, inserter } = await startInserter(dataDir, reading, {
    maxSegmentBytes: 1_000_000,
    maxMemoryBytes: 1_500_000,
  })
  const sizes = Array.from({ length: 200 }, (_, at) => 70_000 + ((at * 7919) % 200_000))
  const rest = [...sizes.keys()]
  const client = async (): Promise<void> => {
    for (let at = rest.shift(); at !== undefined; at = rest.shift()) {
      await inserter.waitForCapacity()
      const bytes = acquireBuffer(sizes[at] ?? 0).fill(at)
      await journal.append(requestOf([{ table: 'logs', rows: 1, bytes }]))
    }
  }
  await Promise.all([client(), client(), client()])
  await journal.close()
  await inserter.drain(10_000)
  expect(stored.sort((a, b) => a - b)).toEqual([...sizes.keys()])
})
