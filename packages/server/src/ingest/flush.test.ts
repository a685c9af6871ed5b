import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { takeMemory } from '../bytes/row-memory.ts'
import type { TraceRows } from '../otlp/rows.ts'
import type { Store } from '../store/store.ts'
import { Flusher } from './flush.ts'
import { Journal, type JournalOptions } from './journal.ts'

let dataDir: string

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'spanlink-flush-'))
})

afterEach(() => rm(dataDir, { recursive: true, force: true }))

test('sources and links are stored before the spans that need them, all under one token', async () => {
  const { store, inserts } = storeThat(() => {})
  const { journal, flusher } = await start(store)
  await journal.append(rowsOf('a'))
  await journal.append(rowsOf('b'))
  await journal.close()
  await flusher.drain(5000)
  expect(inserts.map(({ table, text }) => `${table} ${text}`)).toEqual([
    'sources source a,source b,',
    'span_links link a,link b,',
    'spans span a,span b,',
  ])
  expect(new Set(inserts.map((insert) => insert.token)).size).toBe(1)
  expect(await readdir(join(dataDir, 'journal'))).toEqual([])
})

test('a store that refuses is asked again, with the same rows and the same token', async () => {
  let refusals = 0
  const { store, inserts } = storeThat((table) => {
    if (table === 'spans' && refusals++ < 2) throw new Error('the engine is away')
  })
  const { journal, flusher } = await start(store)
  await journal.append(rowsOf('a'))
  await journal.close()
  await flusher.drain(10_000)
  expect(inserts.map((insert) => insert.table)).toEqual([
    'sources',
    'span_links',
    'sources',
    'span_links',
    'sources',
    'span_links',
    'spans',
  ])
  expect(new Set(inserts.map((insert) => insert.token)).size).toBe(1)
  expect(journal.depth().segments).toBe(0)
})

test('what the deadline leaves is stored by the next start', async () => {
  const away = storeThat(() => {
    throw new Error('the engine is away')
  })
  const first = await start(away.store)
  await first.journal.append(rowsOf('a'))
  await first.journal.close()
  await first.flusher.drain(1)
  expect(await readdir(join(dataDir, 'journal'))).toHaveLength(1)
  const back = storeThat(() => {})
  const second = await start(back.store)
  await second.journal.close()
  await second.flusher.drain(5000)
  expect(back.inserts.map((insert) => insert.text)).toEqual(['source a,', 'link a,', 'span a,'])
  expect(await readdir(join(dataDir, 'journal'))).toEqual([])
})

test('acks wait while the store is behind, and not at all while it is away', async () => {
  let open: () => void = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  let away = false
  const slow = storeThat(() => {
    if (away) throw new Error('the engine is away')
    return gate
  })
  const { journal, flusher } = await start(slow.store, { maxSegmentRows: 1 })
  await flusher.room()
  await journal.append(rowsOf('a'))
  await journal.append(rowsOf('b'))
  await journal.close()
  const room = flusher.room()
  const turn = new Promise((resolve) => setImmediate(() => resolve('still waiting')))
  expect(await Promise.race([room, turn])).toBe('still waiting')
  away = true
  open()
  await room
  await flusher.room()
  expect(journal.depth().segments).toBe(2)
  await flusher.drain(1)
})

test('rows stay what they are until the store has them, while memory of those before goes round', async () => {
  let asked = 0
  const stored: number[] = []
  const { store } = storeThat(() => {})
  const reading: Store = {
    ...store,
    insert: async (_, rows) => {
      await sleep(asked % 4)
      if (asked++ % 20 === 7) throw new Error('the engine is away')
      // Each request is one byte, over and over.
      for (const row of rows) {
        const [first] = row
        if (row.every((byte) => byte === first)) stored.push(first ?? -1)
      }
    },
  }
  const { journal, flusher } = await start(reading, { maxSegmentBytes: 1_000_000, maxMemoryBytes: 1_500_000 })
  const sizes = Array.from({ length: 200 }, (_, at) => 70_000 + ((at * 7919) % 200_000))
  const rest = [...sizes.keys()]
  const sender = async (): Promise<void> => {
    for (let at = rest.shift(); at !== undefined; at = rest.shift()) {
      await flusher.room()
      await journal.append({ ...NO_ROWS, spans: takeMemory(sizes[at] ?? 0).fill(at), spanCount: 1 })
    }
  }
  await Promise.all([sender(), sender(), sender()])
  await journal.close()
  await flusher.drain(10_000)
  expect(stored.sort((a, b) => a - b)).toEqual([...sizes.keys()])
})

type Insert = { readonly table: string; readonly text: string; readonly token: string }

async function start(
  store: Store,
  limits: Partial<JournalOptions> = {},
): Promise<{ journal: Journal; flusher: Flusher }> {
  const flusher = new Flusher(store, () => {})
  const journal = await Journal.open({
    dataDir,
    log: () => {},
    maxSegmentAgeMs: 60_000,
    maxSegmentRows: 1000,
    ...limits,
    onSealed: (segment) => flusher.push(segment),
  })
  flusher.start(journal)
  return { journal, flusher }
}

function storeThat(decide: (table: string) => void | Promise<void>): { store: Store; inserts: Insert[] } {
  const inserts: Insert[] = []
  const never = (): never => {
    throw new Error('the flusher only inserts')
  }
  const store: Store = {
    mode: 'embedded',
    state: () => 'ready',
    insert: async (table, rows, token) => {
      await decide(table)
      inserts.push({ table, text: Buffer.concat(rows).toString(), token })
    },
    query: never,
    info: never,
    close: never,
  }
  return { store, inserts }
}

const NO_ROWS: TraceRows = {
  receivedUnixSeconds: 1_800_000_000,
  sources: Buffer.alloc(0),
  spanLinks: Buffer.alloc(0),
  spans: Buffer.alloc(0),
  spanCount: 0,
  linkCount: 0,
  sourceCount: 0,
  rejectedSpans: 0,
  rejectReason: '',
}

function rowsOf(text: string): TraceRows {
  return {
    ...NO_ROWS,
    sources: Buffer.from(`source ${text},`),
    spanLinks: Buffer.from(`link ${text},`),
    spans: Buffer.from(`span ${text},`),
    spanCount: 1,
    linkCount: 1,
    sourceCount: 1,
  }
}
