import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'

interface KeptRow<P> {
  readonly props: P
  readonly node: VNode
}

/**
 * Unchanged rows return the identical node, which Preact does not diff: scrolling then costs only
 * the rows that are new. Rows follow the signals they read by themselves.
 */
export function useStableRows<P extends object>(
  make: (key: string, props: P) => VNode,
): (key: string, props: P) => VNode {
  const kept = useRef(new Map<string, KeptRow<P>>())
  const before = kept.current
  const now = new Map<string, KeptRow<P>>()
  kept.current = now
  return (key, props) => {
    const old = before.get(key)
    const row = old !== undefined && isSame(old.props, props) ? old : { props, node: make(key, props) }
    now.set(key, row)
    return row.node
  }
}

function isSame<P extends object>(a: P, b: P): boolean {
  for (const key in a) if (!Object.is(a[key], b[key])) return false
  return true
}
