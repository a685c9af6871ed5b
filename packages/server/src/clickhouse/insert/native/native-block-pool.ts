import { type ColumnInfo, NativeBlock, type RowObserver } from './native-block.ts'

/** Blocks kept per table: the inserter runs two inserts at once. */
const MAX_SPARE_BLOCKS = 2

/** Blocks per table, reused by the next insert. */
export class NativeBlockPool<Table extends string> {
  readonly #readColumns: (table: Table) => Promise<readonly ColumnInfo[]>
  readonly #createObserver: (table: Table) => RowObserver | undefined
  readonly #columns = new Map<Table, Promise<readonly ColumnInfo[]>>()
  readonly #spare = new Map<Table, NativeBlock[]>()

  /** @param createObserver creates a new observer for each block */
  constructor(
    readColumns: (table: Table) => Promise<readonly ColumnInfo[]>,
    createObserver: (table: Table) => RowObserver | undefined,
  ) {
    this.#readColumns = readColumns
    this.#createObserver = createObserver
  }

  /** Undefined for a table with unknown column types, which is inserted as RowBinary. */
  async acquire(table: Table): Promise<NativeBlock | undefined> {
    return (
      this.#spare.get(table)?.pop() ?? NativeBlock.create(await this.#cachedColumns(table), this.#createObserver(table))
    )
  }

  release(table: Table, block: NativeBlock): void {
    const spare = this.#spare.get(table) ?? []
    this.#spare.set(table, spare)
    if (spare.length < MAX_SPARE_BLOCKS) spare.push(block)
  }

  async #cachedColumns(table: Table): Promise<readonly ColumnInfo[]> {
    const known = this.#columns.get(table) ?? this.#readColumns(table)
    this.#columns.set(table, known)
    try {
      return await known
    } catch (error) {
      this.#columns.delete(table)
      throw error
    }
  }
}
