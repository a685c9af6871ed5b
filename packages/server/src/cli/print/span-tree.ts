import type { Span } from '@spanlink/contract'

export type TreeRow = {
  readonly span: Span
  /** What is drawn before the span, and before notes below it. */
  readonly tree: string
  readonly below: string
}

/** Deeper than this a tree would leave no room for names. */
const DEPTH_DRAWN = 12

/**
 * Spans below their parents, in order of start. One whose parent is not here stands like a root, marked `┄`; of spans that are
 * each other's parents, the earliest does.
 */
export function treeOf(spans: readonly Span[]): readonly TreeRow[] {
  const ids = new Set(spans.map((span) => span.spanId))
  const children = Map.groupBy(spans, (span) => span.parentSpanId)
  const rows: TreeRow[] = []
  const seen = new Set<Span>()
  const walk = (root: Span, mark: string): void => {
    const stack = [{ span: root, tree: mark, below: ' '.repeat(mark.length), depth: 0 }]
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      const { span, tree, below, depth } = top
      if (seen.has(span)) continue
      seen.add(span)
      const own = (children.get(span.spanId) ?? []).filter((child) => !seen.has(child))
      rows.push({ span, tree, below: own.length > 0 ? `${below}│` : below })
      const isDeep = depth >= DEPTH_DRAWN
      for (const [index, child] of [...own.entries()].toReversed()) {
        const isLast = index === own.length - 1
        stack.push({
          span: child,
          tree: isDeep ? tree : `${below}${isLast ? '└ ' : '├ '}`,
          below: isDeep ? below : `${below}${isLast ? '  ' : '│ '}`,
          depth: depth + 1,
        })
      }
      // Two spans of one id, as a resend with other bytes makes them, share their children: the first has them.
      children.delete(span.spanId)
    }
  }
  for (const span of spans) {
    if (span.parentSpanId === '') walk(span, '')
    else if (!ids.has(span.parentSpanId)) walk(span, '┄ ')
  }
  for (const span of spans) if (!seen.has(span)) walk(span, '┄ ')
  return rows
}
