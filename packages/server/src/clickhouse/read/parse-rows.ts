import { StoreError } from '../store-error.ts'

/** Parses a result in JSON. @throws StoreError `unavailable` if it was cut */
export function parseRows<Row>(bytes: Buffer): Row[] {
  try {
    return JSON.parse(bytes.toString()) as Row[]
  } catch (error) {
    throw new StoreError('unavailable', 'ClickHouse sent a part of the rows. Is its disk full?', { cause: error })
  }
}

/**
 * On a full disk, ClickHouse cuts or empties a response that it buffers in a file, with status 200.
 *
 * @throws StoreError `unavailable` if rows of a result are missing
 */
export function checkRowCount(received: number, sent: number | undefined): void {
  if (sent === undefined || sent === received) return
  throw new StoreError('unavailable', `ClickHouse sent ${received} of ${sent} rows. Is its disk full?`)
}

/** Reads the number of rows sent from the header of a response. */
export function readRowCount(summary: string | readonly string[] | undefined): number | undefined {
  if (typeof summary !== 'string') return undefined
  const { result_rows: sent } = JSON.parse(summary) as { readonly result_rows?: string }
  return sent === undefined ? undefined : Number(sent)
}
