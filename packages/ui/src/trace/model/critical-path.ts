import type { TraceModel } from './trace-model.ts'

/**
 * Segments of the critical path by position: those of `p` are `first[p] .. first[p + 1] - 1`, as
 * indices into `from` and `to`.
 */
export interface CriticalPath {
  readonly first: Uint32Array
  readonly from: Float64Array
  readonly to: Float64Array
}

/**
 * Computes the critical path backwards from the end of the longest root. Time belongs to the child
 * that ended last before it, else to the span itself. Children are clipped to their parent's time.
 */
export function criticalPath(model: TraceModel): CriticalPath {
  const segments: { p: number; from: number; to: number }[] = []
  const stack: { p: number; since: number; until: number }[] = []
  const root = longestRoot(model)
  if (root >= 0) stack.push({ p: root, since: model.start[root] ?? 0, until: model.end[root] ?? 0 })
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const { p, since } = at
    let time = at.until
    for (const child of childrenByEnd(model, p)) {
      const start = Math.max(since, model.start[child] ?? 0)
      const end = Math.min(model.end[child] ?? 0, at.until)
      if (start >= time || end > time || end <= start) continue
      if (end < time) segments.push({ p, from: end, to: time })
      stack.push({ p: child, since: start, until: end })
      time = start
    }
    if (time > since) segments.push({ p, from: since, to: time })
  }
  segments.sort((a, b) => a.p - b.p || a.from - b.from)
  const first = new Uint32Array(model.count + 1)
  for (const { p } of segments) first[p + 1] = (first[p + 1] ?? 0) + 1
  for (let p = 1; p < first.length; p += 1) first[p] = (first[p] ?? 0) + (first[p - 1] ?? 0)
  return {
    first,
    from: Float64Array.from(segments, ({ from }) => from),
    to: Float64Array.from(segments, ({ to }) => to),
  }
}

function longestRoot(model: TraceModel): number {
  let best = -1
  for (let p = 0; p < model.count; p = model.subtreeEnd[p] ?? model.count) {
    const length = (at: number): number => (model.end[at] ?? 0) - (model.start[at] ?? 0)
    if (best < 0 || length(p) > length(best)) best = p
  }
  return best
}

function childrenByEnd(model: TraceModel, p: number): number[] {
  const children: number[] = []
  const last = model.subtreeEnd[p] ?? 0
  for (let child = p + 1; child < last; child = model.subtreeEnd[child] ?? last) children.push(child)
  return children.sort((a, b) => (model.end[b] ?? 0) - (model.end[a] ?? 0))
}
