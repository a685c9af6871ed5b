import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DamagedRows } from '../../src/clickhouse/damage/damaged-rows.ts'
import { StoreError } from '../../src/clickhouse/store-error.ts'
import type { RowTable } from '../../src/clickhouse/tables.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { Inserter } from '../../src/journal/inserter.ts'
import { Journal } from '../../src/journal/journal.ts'
import type { JournalOptions } from '../../src/journal/journal-options.ts'
import type { RowBatch } from '../../src/otlp/rows.ts'

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
    damagedRows: new DamagedRows(() => {}),
    measureRows: async (_, rows, maxBytes) => measureText(rows, maxBytes),
    insert: async (table, rows, token) => {
      await decide(table, Buffer.concat(rows).toString())
      inserts.push({ table, text: Buffer.concat(rows).toString(), token })
    },
    query: never,
    queryBytes: never,
    changeRows: never,
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

type Request = { readonly receivedUnixSeconds: number; readonly batches: readonly RowBatch[] }

/** A request of `count` log records and of `spans`. @default a span for each log record */
export function manyRows(name: string, count: number, spans?: readonly string[]): Request {
  const names = Array.from({ length: count }, (_, at) => `${name}${at}`)
  const logs = names.map((one) => `log ${one}`)
  return requestOf([
    toBatch('sources', [`source ${name}`]),
    toBatch('logs', logs),
    toBatch('spans', spans ?? names.map((one) => `span ${one}`)),
  ])
}

export function rowsOf(text: string): Request {
  return requestOf([
    toBatch('sources', [`source ${text}`]),
    toBatch('logs', [`log ${text}`]),
    toBatch('spans', [`span ${text}`]),
  ])
}

export function requestOf(batches: readonly RowBatch[]): Request {
  return { receivedUnixSeconds: 1_800_000_000, batches }
}

function toBatch(table: RowTable, rows: readonly string[]): RowBatch {
  return { table, rows: rows.length, bytes: Buffer.from(rows.map((row) => `${row},`).join('')) }
}

export function rowsStored(inserts: readonly Insert[], table: string): string[] {
  return inserts.filter((insert) => insert.table === table).flatMap(({ text }) => text.split(',').slice(0, -1))
}
