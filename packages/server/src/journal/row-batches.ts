import type { Table } from '../clickhouse/tables.ts'
import type { RowBatch } from '../otlp/rows.ts'

/**
 * Smaller buffers are joined before streaming: requests of one span each would cause thousands of
 * writes.
 */
const MIN_CHUNK_BYTES = 64 * 1024

export function sumBytes(batches: readonly RowBatch[]): number {
  return batches.reduce((sum, batch) => sum + batch.bytes.length, 0)
}

/** Returns the rows to insert into a table in few buffers; into `trace_rows`, those of `spans`. */
export function collectRows(batches: readonly RowBatch[], into: Table): readonly Uint8Array[] {
  const table = into === 'trace_rows' ? 'spans' : into
  const ofTable = batches.filter((batch) => batch.table === table)
  const rows = ofTable.map((batch) => batch.bytes)
  return sumBytes(ofTable) < rows.length * MIN_CHUNK_BYTES ? [Buffer.concat(rows)] : rows
}

/** The rows of a request that wait to be written. */
export type PendingAppend = {
  readonly day: number
  readonly batches: readonly RowBatch[]
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Takes the first appends of the day that fit into `room` bytes, at least one, from `waiting`. */
export function takeAppends(waiting: PendingAppend[], day: number, room: number): PendingAppend[] {
  let bytes = 0
  let count = 0
  for (const append of waiting) {
    if (append.day !== day || (count > 0 && bytes + append.bytes > room)) break
    bytes += append.bytes
    count++
  }
  return waiting.splice(0, count)
}
