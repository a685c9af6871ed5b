import type { RowObserver, DerivedRows } from './native/native-block.ts'
import type { RowCursor } from './native/row-cursor.ts'
import { type InsertCache, toInsertWindow } from './insert-cache.ts'

/** First columns of schema/sources.sql. */
const SOURCE_ID_BYTES = 8
const RECEIVED_OFFSET = SOURCE_ID_BYTES

/** Checks whether all sources of a segment are stored already. */
export class SourceObserver implements RowObserver {
  readonly columns: RowObserver['columns'] = {}
  readonly derivedColumns: RowObserver['derivedColumns'] = new Set()
  readonly #cache: InsertCache
  readonly #newKeys = new Set<string>()

  constructor(cache: InsertCache) {
    this.#cache = cache
  }

  clear(): void {
    this.#newKeys.clear()
  }

  observe({ bytes }: RowCursor, start: number): void {
    const id = bytes.toString('latin1', start, start + SOURCE_ID_BYTES)
    const key = `${toInsertWindow(bytes.readUInt32LE(start + RECEIVED_OFFSET))} ${id}`
    if (!this.#cache.has(key)) this.#newKeys.add(key)
  }

  isStored(): boolean {
    return this.#newKeys.size === 0
  }

  markStored(): void {
    this.#cache.add([...this.#newKeys])
  }

  async deriveRows(): Promise<readonly DerivedRows[]> {
    return []
  }
}
