import type { CriticalPath, PathSegment, PathShare } from '@spanlink/api-schema'
import type { Edge } from './edges/edge.ts'
import { type LaneSpan } from './lanes.ts'

/** The path, and the ids of its edges. */
export type FoundPath = { readonly path: CriticalPath; readonly edgeIds: ReadonlySet<string> }

/**
 * Computes the critical path to the end of `target`, backwards. At a span and a time within it:
 *
 * 1. Takes the child that ended last before that time. The time since then is the span's own work,
 *    and the path continues at the end of that child. Children that were still running are ignored.
 * 2. Without such a child, the time back to the span's start is its own work. A span that consumed
 *    a message, a send with a creation context, or a root with a link continues at its last cause.
 *    The time from the end of that cause is queue time, or a gap if no message waited. A cause that
 *    had not ended (an ack often follows the consumer's start) is entered at that time. Other spans
 *    continue at their parent; a parent that had already ended leaves a gap.
 * 3. A receive span starts before its message: the last cause within it ends its work.
 * 4. A span whose parent is missing continues, after a gap, at the span of its lane that ended last
 *    before it.
 *
 * Time never increases, each child and edge is entered once, and each span is left once. So the
 * walk terminates, and segments have no holes or overlaps, regardless of clocks and parents.
 */
export function computeCriticalPath(target: LaneSpan, edges: readonly Edge[]): FoundPath {
  const causesOf = Map.groupBy(edges.filter(isCause), (edge) => edge.to)
  const waiting = new Map<LaneSpan, LaneSpan[]>()
  const entered = new Set([target])
  const left = new Set<LaneSpan>()
  const edgeIds = new Set<string>()
  const segments: Segment[] = []
  let at = target
  let time = target.span.end

  const spend = (kind: Segment['kind'], from: bigint, edge?: KnownEdge): void => {
    if (from >= time) return
    segments.push({ kind, from, until: time, at, edge })
    time = from
  }
  const follow = (edge: KnownEdge): void => {
    const { end } = edge.from.span
    if (at.span.operation === 'receive') spend('span', end > at.span.start ? end : at.span.start)
    spend(edge.role === 'message' ? 'queue' : 'gap', end < time ? end : time, edge)
    edgeIds.add(edge.id)
    entered.add(edge.from)
    left.add(at)
    at = edge.from
  }

  for (;;) {
    const child = findLastChild(at, time)
    const cause = findLastCause(causesOf.get(at), at, time)
    if (
      cause !== undefined &&
      at.span.operation === 'receive' &&
      (child === undefined || cause.from.span.end > child.span.end)
    ) {
      follow(cause)
      continue
    }
    if (child !== undefined) {
      spend('span', child.span.end)
      entered.add(child)
      at = child
      continue
    }
    spend('span', at.span.start)
    if (cause !== undefined) {
      follow(cause)
      continue
    }
    left.add(at)
    const next = at.parent ?? (at.span.parentSpanId === '' ? undefined : findLastInLane(at, time))
    if (next === undefined || left.has(next)) break
    spend('gap', next.span.end)
    entered.add(next)
    at = next
  }
  return { path: toCriticalPath(segments.reverse(), time, target.span.end), edgeIds }

  function findLastChild(parent: LaneSpan, before: bigint): LaneSpan | undefined {
    const children = waiting.get(parent) ?? parent.children.toSorted(compareEnds)
    waiting.set(parent, children)
    // Time only decreases, so a child that ends too late now stays too late.
    for (let child = children.pop(); child !== undefined; child = children.pop()) {
      if (child.span.end <= before && !entered.has(child)) return child
    }
    return undefined
  }
  function findLastInLane(span: LaneSpan, before: bigint): LaneSpan | undefined {
    let last: LaneSpan | undefined
    for (const other of span.lane.spans) {
      if (other.span.end > before || entered.has(other) || left.has(other)) continue
      if (last === undefined || other.span.end > last.span.end) last = other
    }
    return last
  }
  function findLastCause(
    causes: readonly KnownEdge[] | undefined,
    effect: LaneSpan,
    before: bigint,
  ): KnownEdge | undefined {
    const until = effect.span.operation === 'receive' ? before : effect.span.start
    const endOf = (edge: KnownEdge): bigint => (edge.from.span.end < until ? edge.from.span.end : until)
    let last: KnownEdge | undefined
    for (const edge of causes ?? []) {
      if (edgeIds.has(edge.id) || left.has(edge.from)) continue
      if (last === undefined || rank[edge.role] < rank[last.role]) last = edge
      else if (rank[edge.role] === rank[last.role] && endOf(edge) > endOf(last)) last = edge
    }
    return last
  }
}

type KnownEdge = Edge & { readonly from: LaneSpan; readonly to: LaneSpan }

/**
 * An edge explains why a span started if it is a message or leaves the lane. A plain link does so
 * only if the span has no parent in its lane.
 */
function isCause(edge: Edge): edge is KnownEdge {
  const { from, to, role } = edge
  if (from === undefined || to === undefined || from === to) return false
  if (role === 'message') return true
  if (from.lane === to.lane) return false
  return role !== 'link' || to.parent === undefined
}

const rank: Readonly<Record<Edge['role'], number>> = { message: 0, creation: 1, processing: 1, link: 2 }

function compareEnds(a: LaneSpan, b: LaneSpan): number {
  if (a.span.end !== b.span.end) return a.span.end < b.span.end ? -1 : 1
  return a.span.spanId < b.span.spanId ? -1 : 1
}

type Segment = {
  readonly kind: PathSegment['kind']
  readonly from: bigint
  readonly until: bigint
  readonly at: LaneSpan
  readonly edge: KnownEdge | undefined
}

function toCriticalPath(segments: readonly Segment[], start: bigint, end: bigint): CriticalPath {
  return {
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(end),
    durationNano: String(end - start),
    segments: segments.map(({ kind, from, until, at, edge }) => ({
      kind,
      startTimeUnixNano: String(from),
      durationNano: String(until - from),
      traceId: at.span.traceId,
      spanId: at.span.spanId,
      laneId: at.lane.id,
      service: at.span.service,
      name: at.span.name,
      ...(kind === 'queue' ? { topic: edge?.record.topic ?? '' } : {}),
      ...(edge === undefined ? {} : { edgeId: edge.id }),
    })),
    shares: computeShares(segments, end - start),
  }
}

function computeShares(segments: readonly Segment[], total: bigint): PathShare[] {
  const parts = new Map<string, { kind: PathShare['kind']; name: string; duration: bigint }>()
  for (const { kind: segmentKind, from, until, at, edge } of segments) {
    const kind = segmentKind === 'span' ? 'service' : segmentKind === 'queue' ? 'topic' : 'gap'
    const name = kind === 'service' ? at.span.service : kind === 'topic' ? (edge?.record.topic ?? '') : ''
    const key = `${kind}:${name}`
    const part = parts.get(key) ?? { kind, name, duration: 0n }
    parts.set(key, { ...part, duration: part.duration + until - from })
  }
  return [...parts.values()]
    .sort((a, b) => (a.duration === b.duration ? 0 : a.duration > b.duration ? -1 : 1))
    .map(({ kind, name, duration }) => ({
      kind,
      name,
      durationNano: String(duration),
      share: Number(duration) / Number(total),
    }))
}
