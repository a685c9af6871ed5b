/** Smaller groups of similar siblings are not folded. */
const MIN_FOLD_SIZE = 8

/** Runs of siblings with the same service and name, which one row `×N` can replace. By position. */
export interface FoldGroups {
  /** Position of the first span of the sibling's group; -1 for none. */
  readonly of: Int32Array
  /** At first positions: the position after the last sibling and its descendants. 0 elsewhere. */
  readonly end: Int32Array
  /** At first positions: the number of siblings. */
  readonly size: Uint32Array
  readonly lastEnd: Float64Array
  readonly errors: Uint32Array
}

interface Columns {
  readonly count: number
  readonly parent: Int32Array
  readonly subtreeEnd: Int32Array
  readonly service: Uint16Array
  readonly name: Uint32Array
  readonly end: Float64Array
  /** Sums over each span and its descendants. */
  readonly errors: Uint32Array
}

export function foldGroups(columns: Columns): FoldGroups {
  const { count, parent, subtreeEnd, service, name, errors } = columns
  const groups: FoldGroups = {
    of: new Int32Array(count).fill(-1),
    end: new Int32Array(count),
    size: new Uint32Array(count),
    lastEnd: new Float64Array(count),
    errors: new Uint32Array(count),
  }
  const seen = new Uint8Array(count)
  for (let first = 0; first < count; first += 1) {
    if (seen[first] === 1) continue
    let size = 0
    let next = first
    // The next sibling follows the descendants of this one.
    while (
      next < count &&
      parent[next] === parent[first] &&
      service[next] === service[first] &&
      name[next] === name[first]
    ) {
      seen[next] = 1
      size += 1
      next = subtreeEnd[next] ?? count
    }
    // Similar roots are not grouped: each starts separate work.
    if (size < MIN_FOLD_SIZE || parent[first] === -1) continue
    groups.size[first] = size
    groups.end[first] = next
    for (let p = first; p < next; p = subtreeEnd[p] ?? next) {
      groups.of[p] = first
      groups.errors[first] = (groups.errors[first] ?? 0) + (errors[p] ?? 0)
      groups.lastEnd[first] = Math.max(groups.lastEnd[first] ?? 0, columns.end[p] ?? 0)
    }
  }
  return groups
}
