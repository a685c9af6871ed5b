import { StoreError } from '../../store-error.ts'
import type { Table } from '../../tables.ts'
import { type ColumnInfo, NativeBlock, type RowObserver } from './native-block.ts'

/** Blocks kept per table: the inserter runs two inserts at once. */
const MAX_SPARE_BLOCKS = 2

/** Lends a block of the table to `use`. */
export type BlockPool = <T>(table: Table, use: (block: NativeBlock) => Promise<T>) => Promise<T>

/** @param createObserver creates a new observer for each block */
export function createBlockPool(
  readColumns: (table: Table) => Promise<readonly ColumnInfo[]>,
  createObserver: (table: Table) => RowObserver | undefined,
): BlockPool {
  const columnsByTable = new Map<Table, readonly ColumnInfo[]>()
  const spareByTable = new Map<Table, NativeBlock[]>()
  const createBlock = async (table: Table): Promise<NativeBlock> => {
    const columns = columnsByTable.get(table) ?? (await readColumns(table))
    columnsByTable.set(table, columns)
    const block = NativeBlock.create(columns, createObserver(table))
    if (block !== undefined) return block
    throw new StoreError('refused', `The table ${table} has a column of a type that Spanlink did not give it.`)
  }
  return async (table, use) => {
    const spare = spareByTable.get(table) ?? []
    spareByTable.set(table, spare)
    const block = spare.pop() ?? (await createBlock(table))
    try {
      return await use(block)
    } finally {
      if (spare.length < MAX_SPARE_BLOCKS) spare.push(block)
    }
  }
}
