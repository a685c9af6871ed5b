import type { FlowResponse, PathShare } from '@spanlink/api-schema'

/** One line of a comparison, in nanoseconds; 0 if a flow has no such share. */
interface ComparedShare {
  readonly kind: PathShare['kind']
  readonly name: string
  readonly first: number
  readonly second: number
}

/** Compares the shares of two critical paths, largest difference first. */
export function compareShares(first: FlowResponse, second: FlowResponse): ComparedShare[] {
  const lines = new Map<string, { kind: PathShare['kind']; name: string; first: number; second: number }>()
  for (const [side, flow] of [
    ['first', first],
    ['second', second],
  ] as const) {
    for (const { kind, name, durationNano } of flow.criticalPath?.shares ?? []) {
      const key = JSON.stringify([kind, name])
      const line = lines.get(key) ?? { kind, name, first: 0, second: 0 }
      line[side] += Number(durationNano)
      lines.set(key, line)
    }
  }
  return [...lines.values()].sort(
    (a, b) => Math.abs(b.second - b.first) - Math.abs(a.second - a.first) || b.first - a.first,
  )
}
