import type { IntrinsicName } from '../syntax/intrinsics.ts'
import type { Tree } from './structure.ts'

export type NestedSet = Readonly<Record<NestedSetName, Int32Array>>
type NestedSetName = Extract<IntrinsicName, `nestedSet${string}`>

/**
 * Numbers spans depth first from 1, as Tempo does (`nested_set_model.go`): left on the way down,
 * right on the way up. `nestedSetParent` is the parent's left number, -1 for a root. Spans that no
 * root reaches have zeros. Siblings and roots are ordered by start.
 */
export function numberNestedSet({ parentIds, parents, topDown }: Tree): NestedSet {
  const sizes = new Int32Array(parents.length).fill(1)
  for (const at of topDown.toReversed()) {
    const parent = parents[at] ?? -1
    if (parent >= 0) sizes[parent] = (sizes[parent] ?? 0) + (sizes[at] ?? 0)
  }
  const [left, right, parentLeft] = [0, 1, 2].map(() => new Int32Array(parents.length)) as [
    Int32Array,
    Int32Array,
    Int32Array,
  ]
  // Next left number of a child of each span, and of a root.
  const next = new Int32Array(parents.length)
  let nextRoot = 1
  for (const at of topDown) {
    const parent = parents[at] ?? -1
    const room = 2 * (sizes[at] ?? 1)
    if (parentIds[at] === '') {
      left[at] = nextRoot
      parentLeft[at] = -1
      nextRoot += room
    } else {
      if (parent < 0 || !left[parent]) continue
      left[at] = next[parent] ?? 0
      parentLeft[at] = left[parent]
      next[parent] = (next[parent] ?? 0) + room
    }
    right[at] = (left[at] ?? 0) + room - 1
    next[at] = (left[at] ?? 0) + 1
  }
  return { nestedSetLeft: left, nestedSetRight: right, nestedSetParent: parentLeft }
}
