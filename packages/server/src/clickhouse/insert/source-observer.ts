import type { RowObserver } from './native/native-block.ts'
import { type InsertCache, toInsertWindow } from './insert-cache.ts'

/** First columns of schema/sources.sql. */
const SOURCE_ID_BYTES = 8
const RECEIVED_OFFSET = SOURCE_ID_BYTES

/** Checks whether all sources of a segment are stored already. */
export function createSourceObserver(cache: InsertCache): RowObserver {
  const newKeys = new Set<string>()
  return {
    clear: () => newKeys.clear(),
    observe: ({ bytes }, start) => {
      const id = bytes.toString('latin1', start, start + SOURCE_ID_BYTES)
      const key = `${toInsertWindow(bytes.readUInt32LE(start + RECEIVED_OFFSET))} ${id}`
      if (!cache.has(key)) newKeys.add(key)
    },
    isStored: () => newKeys.size === 0,
    markStored: () => cache.add([...newKeys]),
  }
}
