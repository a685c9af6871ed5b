import { type ColumnInfo, NativeBlock, type RowWatch } from './native-block.ts'

/** Kept for the next inserts; the flusher has two on their way. */
const SPARE_AT_MOST = 2

/** Blocks by table: an insert takes one for its time, the next one finds its memory warm. */
export class NativeBlocks<Table extends string> {
  readonly #columnsOf: (table: Table) => Promise<readonly ColumnInfo[]>
  readonly #watchOf: (table: Table) => RowWatch | undefined
  readonly #columns = new Map<Table, Promise<readonly ColumnInfo[]>>()
  readonly #spare = new Map<Table, NativeBlock[]>()

  /** @param watchOf a new one, for each block */
  constructor(
    columnsOf: (table: Table) => Promise<readonly ColumnInfo[]>,
    watchOf: (table: Table) => RowWatch | undefined,
  ) {
    this.#columnsOf = columnsOf
    this.#watchOf = watchOf
  }

  /** Undefined for a table that takes rows as they are. */
  async take(table: Table): Promise<NativeBlock | undefined> {
    return this.#spare.get(table)?.pop() ?? NativeBlock.of(await this.#known(table), this.#watchOf(table))
  }

  give(table: Table, block: NativeBlock): void {
    const spare = this.#spare.get(table) ?? []
    this.#spare.set(table, spare)
    if (spare.length < SPARE_AT_MOST) spare.push(block)
  }

  async #known(table: Table): Promise<readonly ColumnInfo[]> {
    const known = this.#columns.get(table) ?? this.#columnsOf(table)
    this.#columns.set(table, known)
    try {
      return await known
    } catch (error) {
      this.#columns.delete(table)
      throw error
    }
  }
}
