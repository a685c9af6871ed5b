/** The fields of a span that the tree needs. */
interface Node {
  readonly spanId: string
  readonly parentSpanId: string
}

const NONE = -1
const MISSING = -2

/**
 * Depth-first order of spans, siblings by start. Iterative, because a chain may be deeper than the
 * stack. Spans in a parent cycle are placed under their earliest member, which is marked as an
 * orphan, so that no span is lost.
 */
export function treeOrder(spans: readonly Node[], start: Float64Array) {
  const indexOf = new Map<string, number>()
  for (const [index, span] of spans.entries()) if (!indexOf.has(span.spanId)) indexOf.set(span.spanId, index)
  return orderByParents(
    spans.map(({ parentSpanId }) => (parentSpanId === '' ? NONE : (indexOf.get(parentSpanId) ?? MISSING))),
    start,
  )
}

/** The same from parent indexes: -1 for a root, -2 for a missing parent. */
export function orderByParents(parents: ArrayLike<number>, start: Float64Array) {
  const count = parents.length
  const byStart = sortByStart(start)
  const { firstChild, nextSibling } = chainSiblings(parents, byStart)

  /** Position -> index of the given span. */
  const order = new Int32Array(count)
  /** By position; -1 for a root. */
  const parent = new Int32Array(count)
  const depth = new Uint16Array(count)
  const orphan = new Uint8Array(count)
  const positionById = new Int32Array(count).fill(NONE)
  let next = 0

  const place = (root: number, isOrphan: boolean): void => {
    const stack = [root]
    const above = [NONE]
    while (stack.length > 0) {
      const index = stack.pop() as number
      const parentAt = above.pop() as number
      if (positionById[index] !== NONE) continue
      const p = next
      next += 1
      positionById[index] = p
      order[p] = index
      parent[p] = parentAt
      depth[p] = parentAt === NONE ? 0 : Math.min(65_535, (depth[parentAt] ?? 0) + 1)
      if (parentAt === NONE && isOrphan) orphan[p] = 1
      // The sibling chain runs from last to first, so the first child ends on top of the stack.
      for (let child = firstChild[index] ?? NONE; child !== NONE; child = nextSibling[child] ?? NONE) {
        stack.push(child)
        above.push(p)
      }
    }
  }

  for (const index of byStart) {
    if (parents[index] === NONE) place(index, false)
    else if (parents[index] === MISSING) place(index, true)
  }
  if (next < count) {
    for (const index of byStart) if (positionById[index] === NONE) place(index, true)
  }
  return { order, parent, depth, subtreeEnd: computeSubtreeEnds(parent), orphan }
}

/**
 * Indexes by start. API responses are already in that order; checking that takes 1% of the time of
 * sorting.
 */
function sortByStart(start: Float64Array): Int32Array {
  const byStart = new Int32Array(start.length)
  let isSorted = true
  for (let index = 0; index < start.length; index += 1) {
    byStart[index] = index
    if (index > 0 && (start[index] ?? 0) < (start[index - 1] ?? 0)) isSorted = false
  }
  return isSorted ? byStart : byStart.sort((a, b) => (start[a] ?? 0) - (start[b] ?? 0) || a - b)
}

function chainSiblings(parents: ArrayLike<number>, byStart: Int32Array) {
  const firstChild = new Int32Array(parents.length).fill(NONE)
  const nextSibling = new Int32Array(parents.length).fill(NONE)
  for (const index of byStart) {
    const above = parents[index] ?? NONE
    if (above < 0) continue
    nextSibling[index] = firstChild[above] ?? NONE
    firstChild[above] = index
  }
  return { firstChild, nextSibling }
}

function computeSubtreeEnds(parent: Int32Array): Int32Array {
  const ends = new Int32Array(parent.length)
  for (let p = 0; p < ends.length; p += 1) ends[p] = p + 1
  for (let p = parent.length - 1; p >= 0; p -= 1) {
    const above = parent[p] ?? NONE
    if (above !== NONE) ends[above] = Math.max(ends[above] ?? 0, ends[p] ?? 0)
  }
  return ends
}
