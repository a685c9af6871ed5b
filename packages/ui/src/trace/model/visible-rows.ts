import type { TraceModel } from './trace-model.ts'

/**
 * Expanded groups of similar siblings, by the id of their first span; `all` expands every group.
 */
export type Unfolded = ReadonlySet<string> | 'all'

/** True if the position is the row of a folded group. */
export function isFolded(model: TraceModel, position: number, unfolded: Unfolded): boolean {
  return (
    unfolded !== 'all' && (model.folds.end[position] ?? 0) > 0 && !unfolded.has(model.spans[position]?.spanId ?? '')
  )
}

/**
 * Positions of visible spans in order: all except descendants of collapsed spans and members of
 * folded groups that are not the first.
 */
export function visibleRows(model: TraceModel, collapsed: ReadonlySet<string>, unfolded: Unfolded = 'all'): Int32Array {
  if (collapsed.size === 0 && unfolded === 'all') return Int32Array.from({ length: model.count }, (_, p) => p)
  const rows = new Int32Array(model.count)
  let length = 0
  for (let p = 0; p < model.count;) {
    rows[length] = p
    length += 1
    if (isFolded(model, p, unfolded)) p = model.folds.end[p] ?? p + 1
    else p = collapsed.has(model.spans[p]?.spanId ?? '') ? (model.subtreeEnd[p] ?? p + 1) : p + 1
  }
  return rows.subarray(0, length)
}

/** Row of a position, or -1 if it is hidden. Rows ascend, so this is a binary search. */
export function findRow(rows: Int32Array, position: number): number {
  let low = 0
  let high = rows.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const at = rows[middle] ?? 0
    if (at === position) return middle
    if (at < position) low = middle + 1
    else high = middle - 1
  }
  return -1
}

/** Ids of a position's ancestors, nearest first; expanding them makes the position visible. */
export function collectAncestorIds(model: TraceModel, position: number): string[] {
  const ids: string[] = []
  for (let p = model.parent[position] ?? -1; p >= 0; p = model.parent[p] ?? -1) ids.push(model.spans[p]?.spanId ?? '')
  return ids
}

export function hasChildren(model: TraceModel, position: number): boolean {
  return (model.subtreeEnd[position] ?? 0) > position + 1
}

/** Ids of all spans with children. Collapsing all of them leaves only the roots. */
export function collapsibleIds(model: TraceModel): Set<string> {
  const ids = new Set<string>()
  for (let p = 0; p < model.count; p += 1) if (hasChildren(model, p)) ids.add(model.spans[p]?.spanId ?? '')
  return ids
}
