import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'

interface KeptRow<P> {
  readonly props: P
  readonly node: VNode
}

/**
 * Rows that stay as they were are given as the very same node, which is not compared again:
 * scrolling then costs the rows that come, not those that are there. What a row shows of signals it
 * follows by itself.
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
