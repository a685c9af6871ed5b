import type { Span } from '@spanlink/api-schema'
import { findParents, PARENT_MISSING, ROOT } from '../../query/traces/span-parents.ts'

export type TreeRow = {
  readonly span: Span
  /** Prefixes of the span, and of the notes below it. */
  readonly tree: string
  readonly below: string
}

/** A deeper tree leaves no room for names. */
const MAX_DEPTH = 12

/**
 * Spans below their parents, in order of start. A span without a stored parent is a root marked
 * `┄`; of spans that are each other's parents, the earliest is the root.
 */
export function layOutTree(spans: readonly Span[]): readonly TreeRow[] {
  const parents = findParents(spans)
  const children = Map.groupBy(spans, (_, index) => spans[parents[index] as number])
  const rows: TreeRow[] = []
  const walk = (root: Span, mark: string): void => {
    const stack = [{ span: root, tree: mark, below: ' '.repeat(mark.length), depth: 0 }]
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      const { span, tree, below, depth } = top
      const own = children.get(span) ?? []
      rows.push({ span, tree, below: own.length > 0 ? `${below}│` : below })
      const isDeep = depth >= MAX_DEPTH
      for (const [index, child] of [...own.entries()].toReversed()) {
        const isLast = index === own.length - 1
        stack.push({
          span: child,
          tree: isDeep ? tree : `${below}${isLast ? '└ ' : '├ '}`,
          below: isDeep ? below : `${below}${isLast ? '  ' : '│ '}`,
          depth: depth + 1,
        })
      }
    }
  }
  for (const [index, span] of spans.entries()) {
    if (parents[index] === ROOT) walk(span, '')
    if (parents[index] === PARENT_MISSING) walk(span, '┄ ')
  }
  return rows
}
