import type { FlowResponse, PathShare } from '@spanlink/api-schema'

/** Compares the shares of two critical paths in nanoseconds, largest difference first. */
export function compareShares(first: FlowResponse, second: FlowResponse) {
  // A flow without such a share has 0.
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
