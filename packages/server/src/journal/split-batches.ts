import type { Store } from '../clickhouse/store.ts'
import { type Table, tableNames } from '../clickhouse/tables.ts'
import type { RowBatch } from '../otlp/rows.ts'

/**
 * Splits the rows of a segment into pieces of at most `maxBytes`, but at least one row, to be
 * inserted in order. Starts with the rows of table `from`.
 */
export async function splitBatches(
  store: Pick<Store, 'measureRows'>,
  batches: readonly RowBatch[],
  from: Table,
  maxBytes: number,
): Promise<RowBatch[][]> {
  const pieces: RowBatch[][] = [[]]
  let room = maxBytes
  for (const batch of sortByTable(batches, from)) {
    let rest = batch
    while (rest.rows > 0) {
      const piece = pieces.at(-1) as RowBatch[]
      const isEmpty = piece.length === 0
      const head = rest.bytes.length <= room ? rest : await takeRows(store, rest, room, isEmpty)
      if (head.rows > 0) piece.push(head)
      room -= head.bytes.length
      rest = removeRows(rest, head)
      if (rest.rows > 0) {
        pieces.push([])
        room = maxBytes
      }
    }
  }
  return pieces
}

export function sortByTable(batches: readonly RowBatch[], from: Table = 'sources'): RowBatch[] {
  return tableNames.slice(tableNames.indexOf(from)).flatMap((table) => batches.filter((batch) => batch.table === table))
}

async function takeRows(
  store: Pick<Store, 'measureRows'>,
  batch: RowBatch,
  maxBytes: number,
  oneAtLeast: boolean,
): Promise<RowBatch> {
  const { rows, bytes } = await store.measureRows(batch.table, batch.bytes, maxBytes)
  if (bytes > maxBytes && !oneAtLeast) return { ...batch, rows: 0, bytes: batch.bytes.subarray(0, 0) }
  return { ...batch, rows, bytes: batch.bytes.subarray(0, bytes) }
}

function removeRows(batch: RowBatch, head: RowBatch): RowBatch {
  const bytes = batch.bytes.subarray(head.bytes.length)
  return { ...batch, rows: batch.rows - head.rows, bytes }
}
