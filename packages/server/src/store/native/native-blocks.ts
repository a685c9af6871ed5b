import type { RowTable } from '../store.ts'
import { type ColumnInfo, NativeBlock } from './native-block.ts'

/** Kept for the next inserts; the flusher has two on their way. */
const SPARE_AT_MOST = 2

/** Blocks by table: an insert takes one for its time, the next one finds its memory warm. */
export class NativeBlocks {
  readonly #columnsOf: (table: RowTable) => Promise<readonly ColumnInfo[]>
  readonly #columns = new Map<RowTable, Promise<readonly ColumnInfo[]>>()
  readonly #spare = new Map<RowTable, NativeBlock[]>()

  constructor(columnsOf: (table: RowTable) => Promise<readonly ColumnInfo[]>) {
    this.#columnsOf = columnsOf
  }

  /** Undefined for a table that takes rows as they are. */
  async take(table: RowTable): Promise<NativeBlock | undefined> {
    return this.#spare.get(table)?.pop() ?? NativeBlock.of(await this.#known(table))
  }

  give(table: RowTable, block: NativeBlock): void {
    const spare = this.#spare.get(table) ?? []
    this.#spare.set(table, spare)
    if (spare.length < SPARE_AT_MOST) spare.push(block)
  }

  async #known(table: RowTable): Promise<readonly ColumnInfo[]> {
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
