import type { RowTable } from '../clickhouse/tables.ts'

/**
 * Rows of one table in RowBinary, in the column order of `schema/<table>.sql`, ready to be
 * journalled and inserted unchanged.
 */
export type RowBatch = {
  readonly table: RowTable
  readonly rows: number
  readonly bytes: Uint8Array
}

/** The rows of one OTLP request; its items are spans, log records or points. */
export type SignalRows = {
  /** The `received` column of every row: all rows of a request are in one daily partition. */
  readonly receivedUnixSeconds: number
  /** Of the tables that have rows. */
  readonly batches: readonly RowBatch[]
  /** Number of items stored. */
  readonly accepted: number
  /** Items rejected individually (invalid or beyond limits), and the reasons with their counts. */
  readonly rejected: number
  readonly rejectReason: string
}
