import type { SpanKind, TraceSkeleton } from '@spanlink/api-schema'
import { columnBytes } from '../../components/tree/column-bytes.ts'
import { foldGroups, type FoldGroups } from './fold-groups.ts'
import { idIndex, SHARED, type IdIndex } from '../../lib/id-index.ts'
import { orderByParents } from '../../components/tree/tree-order.ts'

/** Span fields that a row needs; details are requested when the span is selected. */
export interface SpanHead {
  /** Row id: the span id, followed by `~` if the parent has the same span id. */
  readonly spanId: string
  readonly service: string
  readonly name: string
  readonly kind: SpanKind
}

/**
 * A trace in columns. Position `p` is the row of a span when nothing is collapsed (depth first,
 * siblings by start). Therefore `parent[p] < p`, and the descendants of `p` are exactly `p + 1 ..
 * subtreeEnd[p] - 1`. Times are nanoseconds from the trace's first start, exact up to 2^53 ns (104
 * days).
 */
export interface TraceModel {
  readonly traceId: string
  readonly count: number
  readonly spans: readonly SpanHead[]
  readonly startUnixNano: bigint
  readonly duration: number
  readonly start: Float64Array
  readonly end: Float64Array
  readonly parent: Int32Array
  readonly depth: Uint16Array
  readonly subtreeEnd: Int32Array
  readonly service: Uint16Array
  readonly services: readonly ServiceShare[]
  readonly error: Uint8Array
  /** 1 if the span's parent is not stored. A root that only has links is not an orphan. */
  readonly orphan: Uint8Array
  readonly linksOut: Uint32Array
  readonly linksIn: Uint32Array
  /** Sums over the span and its descendants, shown on a collapsed row. */
  readonly below: { readonly linksOut: Uint32Array; readonly linksIn: Uint32Array; readonly errors: Uint32Array }
  /** Event times of position `p` are `eventTimes[eventsFrom[p] .. eventsFrom[p + 1] - 1]`. */
  readonly eventsFrom: Uint32Array
  readonly eventTimes: Float64Array
  readonly folds: FoldGroups
  readonly positionById: IdIndex
  readonly errorCount: number
  /** Spans that end before they start. */
  readonly backwardCount: number
  readonly truncated: boolean
  /** True if the server can't read parts of its data that may have spans of the trace. */
  readonly missingParts: boolean
}

interface ServiceShare {
  readonly name: string
  readonly spanCount: number
  readonly errorCount: number
}

/** True if work on every span takes longer than a frame; rows are then rendered first. */
export function isLarge({ count }: Pick<TraceModel, 'count'>): boolean {
  return count >= 20_000
}

const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const
const ERROR = 2

export function buildTraceModel(skeleton: TraceSkeleton): TraceModel {
  const { count, names } = skeleton
  const given = {
    start: new Float64Array(columnBytes(skeleton.start)),
    duration: new Float64Array(columnBytes(skeleton.duration)),
    service: new Int32Array(columnBytes(skeleton.service)),
    name: new Int32Array(columnBytes(skeleton.name)),
    kind: new Uint8Array(columnBytes(skeleton.kind)),
    status: new Uint8Array(columnBytes(skeleton.status)),
  }
  const tree = orderByParents(new Int32Array(columnBytes(skeleton.parent)), given.start)
  const { order, parent, subtreeEnd } = tree
  const spans: SpanHead[] = []
  const positions = new Int32Array(count)
  const start = new Float64Array(count)
  const end = new Float64Array(count)
  const error = new Uint8Array(count)
  let duration = 0
  let backwardCount = 0
  for (let p = 0; p < count; p += 1) {
    const i = order[p] ?? 0
    const id = skeleton.spanIds.slice(i * 16, i * 16 + 16)
    const spanId = spans[parent[p] ?? -1]?.spanId === id ? `${id}${SHARED}` : id
    spans.push({
      spanId,
      service: skeleton.services[given.service[i] ?? 0] ?? '',
      name: names[given.name[i] ?? 0] ?? '',
      kind: kinds[given.kind[i] ?? 0] ?? 'unspecified',
    })
    positions[i] = p
    const spanStart = given.start[i] ?? 0
    const length = given.duration[i] ?? 0
    start[p] = spanStart
    // A clock that was set back gives an end before the start. Such a span has zero length, and
    // `backwardCount` reports it.
    const ended = spanStart + Math.max(0, length)
    end[p] = ended
    if (length < 0) backwardCount += 1
    if (ended > duration) duration = ended
    error[p] = given.status[i] === ERROR ? 1 : 0
  }
  const linksOut = scatter(skeleton.linksOut, positions)
  const linksIn = scatter(skeleton.linksIn, positions)
  const { service, services } = indexServices(skeleton.services, given.service, order, error)
  const below = {
    linksOut: sumUpwards(linksOut, parent),
    linksIn: sumUpwards(linksIn, parent),
    errors: sumUpwards(error, parent),
  }
  const name = inOrder(given.name, order)
  return {
    traceId: skeleton.traceId,
    count,
    spans,
    startUnixNano: BigInt(skeleton.startTimeUnixNano),
    duration,
    start,
    end,
    parent,
    depth: tree.depth,
    subtreeEnd,
    service,
    services,
    error,
    orphan: tree.orphan,
    linksOut,
    linksIn,
    below,
    ...indexEvents(skeleton.events, positions),
    folds: foldGroups({ count, parent, subtreeEnd, service, name, end, errors: below.errors }),
    positionById: idIndex(skeleton.spanIds, positions),
    errorCount: error.reduce((sum, one) => sum + one, 0),
    backwardCount,
    truncated: skeleton.truncated === true,
    missingParts: skeleton.missingParts === true,
  }
}

function scatter(pairs: readonly number[], positions: Int32Array): Uint32Array {
  const values = new Uint32Array(positions.length)
  for (let at = 0; at < pairs.length; at += 2) values[positions[pairs[at] ?? 0] ?? 0] = pairs[at + 1] ?? 0
  return values
}

function indexEvents(pairs: readonly number[], positions: Int32Array) {
  const eventsFrom = new Uint32Array(positions.length + 1)
  for (let at = 0; at < pairs.length; at += 2) {
    const after = (positions[pairs[at] ?? 0] ?? 0) + 1
    eventsFrom[after] = (eventsFrom[after] ?? 0) + 1
  }
  for (let p = 1; p < eventsFrom.length; p += 1) eventsFrom[p] = (eventsFrom[p] ?? 0) + (eventsFrom[p - 1] ?? 0)
  const eventTimes = new Float64Array(pairs.length / 2)
  const next = eventsFrom.slice()
  for (let at = 0; at < pairs.length; at += 2) {
    const p = positions[pairs[at] ?? 0] ?? 0
    eventTimes[next[p] ?? 0] = pairs[at + 1] ?? 0
    next[p] = (next[p] ?? 0) + 1
  }
  return { eventsFrom, eventTimes }
}

function inOrder(values: Int32Array, order: Int32Array): Uint32Array {
  const sorted = new Uint32Array(order.length)
  for (let p = 0; p < sorted.length; p += 1) sorted[p] = values[order[p] ?? 0] ?? 0
  return sorted
}

function indexServices(names: readonly string[], given: Int32Array, order: Int32Array, error: Uint8Array) {
  const indexOf = new Map<number, number>()
  const services: { name: string; spanCount: number; errorCount: number }[] = []
  const service = new Uint16Array(order.length)
  for (let p = 0; p < order.length; p += 1) {
    const text = given[order[p] ?? 0] ?? 0
    let index = indexOf.get(text)
    if (index === undefined) {
      index = services.length
      indexOf.set(text, index)
      services.push({ name: names[text] ?? '', spanCount: 0, errorCount: 0 })
    }
    service[p] = index
    const share = services[index]
    if (share === undefined) continue
    share.spanCount += 1
    share.errorCount += error[p] ?? 0
  }
  return { service, services }
}

/**
 * Adds each span's value to all of its ancestors. Parents precede their children, so one pass from
 * the last row to the first is enough.
 */
function sumUpwards(own: Uint32Array | Uint8Array, parent: Int32Array): Uint32Array {
  // `new Uint32Array(…)` is faster than `Uint32Array.from`, which iterates over the elements.
  const sums = new Uint32Array(own)
  for (let p = sums.length - 1; p > 0; p -= 1) {
    const above = parent[p] ?? -1
    if (above >= 0) sums[above] = (sums[above] ?? 0) + (sums[p] ?? 0)
  }
  return sums
}
