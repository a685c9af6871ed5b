import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../../src/clickhouse/store-error.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { Inserter } from '../../src/journal/inserter.ts'
import { Journal, type JournalOptions } from '../../src/journal/journal.ts'
import type { TraceRows } from '../../src/otlp/rows.ts'

export async function segmentFiles(dataDir: string): Promise<string[]> {
  return (await readdir(join(dataDir, 'journal'))).filter((name) => name.endsWith('.segment'))
}

export type Insert = { readonly table: string; readonly text: string; readonly token: string }

export async function startInserter(
  dataDir: string,
  store: Store,
  limits: Partial<JournalOptions> = {},
  maxInsertBytes?: number,
  lines: string[] = [],
): Promise<{ journal: Journal; inserter: Inserter }> {
  const log = (line: string): void => void lines.push(line)
  const inserter = new Inserter(store, log, maxInsertBytes)
  const journal = await Journal.open({
    dataDir,
    log,
    maxSegmentAgeMs: 60_000,
    maxSegmentRows: 1000,
    ...limits,
    onSealed: (segment) => inserter.enqueue(segment),
  })
  inserter.start(journal)
  return { journal, inserter }
}

export function storeThat(decide: (table: string, text: string) => void | Promise<void>): {
  store: Store
  inserts: Insert[]
} {
  const inserts: Insert[] = []
  const never = (): never => {
    throw new Error('the inserter only inserts')
  }
  const store: Store = {
    mode: 'embedded',
    state: () => 'ready',
    missingParts: () => [],
    measureRows: async (_, rows, maxBytes) => measureText(rows, maxBytes),
    insert: async (table, rows, token) => {
      await decide(table, Buffer.concat(rows).toString())
      inserts.push({ table, text: Buffer.concat(rows).toString(), token })
    },
    query: never,
    info: never,
    close: never,
  }
  return { store, inserts }
}

/** Rows of these tests end with a comma. */
function measureText(rows: Uint8Array, maxBytes: number): { rows: number; bytes: number } {
  const ends = [...rows].flatMap((byte, at) => (byte === 0x2c ? [at + 1] : []))
  if (ends.at(-1) !== rows.length) throw new StoreError('bad-rows', 'rows end in the middle of one')
  const fitting = Math.max(1, ends.filter((end) => end <= maxBytes).length)
  return { rows: fitting, bytes: ends[fitting - 1] as number }
}

/** A request of `count` spans. */
export function manyRows(name: string, count: number): TraceRows {
  const spans = Array.from({ length: count }, (_, at) => `span ${name}${at},`)
  const links = Array.from({ length: count }, (_, at) => `link ${name}${at},`)
  return {
    ...rowsOf(name),
    spans: Buffer.from(spans.join('')),
    spanLinks: Buffer.from(links.join('')),
    spanCount: count,
    linkCount: count,
  }
}

export function rowsStored(inserts: readonly Insert[], table: string): string[] {
  return inserts.filter((insert) => insert.table === table).flatMap(({ text }) => text.split(',').slice(0, -1))
}

export const NO_ROWS: TraceRows = {
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

export function rowsOf(text: string): TraceRows {
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
