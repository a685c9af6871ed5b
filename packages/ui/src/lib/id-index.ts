const ID_LENGTH = 16
/** A linear search of 100,000 ids takes 0.5 ms; building the map takes 40 ms once. */
const MAX_SEARCHES = 64
/** Suffix of the inner of two spans that share an id, as both sides of a call do under B3. */
export const SHARED = '~'

/** Positions by row id: a span id, with `~` behind it for the inner of two spans that share it. */
export interface IdIndex {
  readonly get: (rowId: string) => number | undefined
  readonly has: (rowId: string) => boolean
}

/** Removes the suffix: the span id as the API returns it. */
export function toSpanId(rowId: string): string {
  return rowId.endsWith(SHARED) ? rowId.slice(0, -1) : rowId
}

/** `ids` holds 16 hex digits per id without separators; `positions` is in the same order. */
export function idIndex(ids: string, positions: Int32Array): IdIndex {
  let searches = 0
  let outer: Map<string, number> | undefined
  let inner: Map<string, number> | undefined
  const search = (spanId: string, isInner: boolean): number | undefined => {
    if (spanId.length !== ID_LENGTH) return undefined
    const found: number[] = []
    for (let at = ids.indexOf(spanId); at >= 0; at = ids.indexOf(spanId, at + 1))
      if (at % ID_LENGTH === 0) found.push(positions[at / ID_LENGTH] ?? 0)
    if (found.length === 0 || (isInner && found.length === 1)) return undefined
    return isInner ? Math.max(...found) : Math.min(...found)
  }
  const buildMaps = (): void => {
    outer = new Map()
    inner = new Map()
    for (let i = 0; i < positions.length; i += 1) {
      const id = ids.slice(i * ID_LENGTH, i * ID_LENGTH + ID_LENGTH)
      const position = positions[i] ?? 0
      const other = outer.get(id)
      outer.set(id, other === undefined ? position : Math.min(other, position))
      if (other !== undefined) inner.set(id, Math.max(other, position, inner.get(id) ?? 0))
    }
  }
  const get = (rowId: string): number | undefined => {
    const isInner = rowId.endsWith(SHARED)
    searches += 1
    if (searches <= MAX_SEARCHES) return search(toSpanId(rowId), isInner)
    if (outer === undefined) buildMaps()
    return (isInner ? inner : outer)?.get(toSpanId(rowId))
  }
  return { get, has: (rowId) => get(rowId) !== undefined }
}
