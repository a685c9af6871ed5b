import type { RowWatch, Summary } from './native/native-block.ts'
import type { RowCursor } from './native/row-cursor.ts'
import { type RecentlyStored, stretchOf } from './insert-cache.ts'

/** The first columns of schema/sources.sql. */
const SOURCE_ID_BYTES = 8
const RECEIVED = SOURCE_ID_BYTES

/** Tells whether a segment's sources are all stored already. */
export class SourcesWatch implements RowWatch {
  readonly columns: RowWatch['columns'] = {}
  readonly derived: RowWatch['derived'] = new Set()
  readonly #recent: RecentlyStored
  readonly #fresh = new Set<string>()

  constructor(recent: RecentlyStored) {
    this.#recent = recent
  }

  clear(): void {
    this.#fresh.clear()
  }

  row({ bytes }: RowCursor, start: number): void {
    const id = bytes.toString('latin1', start, start + SOURCE_ID_BYTES)
    const key = `${stretchOf(bytes.readUInt32LE(start + RECEIVED))} ${id}`
    if (!this.#recent.has(key)) this.#fresh.add(key)
  }

  isStored(): boolean {
    return this.#fresh.size === 0
  }

  stored(): void {
    this.#recent.add([...this.#fresh])
  }

  async summaries(): Promise<readonly Summary[]> {
    return []
  }
}
