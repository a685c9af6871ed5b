import { readdir } from 'node:fs/promises'
import { type Table, tableNames } from '../clickhouse/tables.ts'

/** Progress of the inserts under a segment's own id. The tables before `table` are stored. */
export type InsertProgress = {
  readonly table: Table
  /** Rows of `table` may be stored: only an insert with the same token avoids duplicates. */
  readonly mayBeStored: boolean
}

export const NOT_STARTED: InsertProgress = { table: tableNames[0] as Table, mayBeStored: false }

const SUFFIX = '.segment'

/**
 * `<id>.segment` before the first insert, then `<id>@<table>.segment`, with `-failed` if ClickHouse
 * has stored no row of the table. The file name holds the state because a rename survives a crash.
 */
export function formatSegmentFileName(id: string, { table, mayBeStored }: InsertProgress = NOT_STARTED): string {
  if (table === NOT_STARTED.table && !mayBeStored) return id + SUFFIX
  return `${id}@${table}${mayBeStored ? '' : '-failed'}${SUFFIX}`
}

/** Returns undefined if the file is not a segment. */
export function parseSegmentFileName(name: string): { id: string; progress: InsertProgress } | undefined {
  if (!name.endsWith(SUFFIX)) return undefined
  const [id = '', state = ''] = name.slice(0, -SUFFIX.length).split('@', 2)
  const table = tableNames.find((one) => one === state || `${one}-failed` === state)
  return { id, progress: table === undefined ? NOT_STARTED : { table, mayBeStored: table === state } }
}

export type SegmentFile = { readonly name: string; readonly id: string }

/** Lists the segments of a directory by file name. Empty if it does not exist. */
export async function listSegmentFiles(directory: string): Promise<SegmentFile[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.sort().flatMap((name) => {
    const id = parseSegmentFileName(name)?.id
    return id === undefined ? [] : [{ name, id }]
  })
}
