import { consumingOperations, producingOperations } from '../../clickhouse/insert/messaging/semconv.ts'
import { findParents } from '../traces/span-parents.ts'
import {
  createSpanIndex,
  deduplicateSpans,
  type FlowLink,
  type FlowSpanRef,
  type FlowSpanRow,
  indexSpan,
  type SpanIndex,
} from './flow-span.ts'

/** A span with its parent and children in the same lane. */
export type LaneSpan = {
  readonly span: FlowSpanRow
  readonly lane: Lane
  /** In the same lane. */
  readonly parent: LaneSpan | undefined
  /** In the same lane. */
  readonly children: LaneSpan[]
  /** `divideTrace` assigns it. */
  section: LaneSection
}

export type Lane = {
  readonly id: string
  readonly traceId: string
  readonly spans: LaneSpan[]
}

/**
 * The part of a trace that a cause leads to: a span that carries links or starts a lane, with its
 * descendants down to the next such span. A batch with a single span is one section, for any number
 * of producers. If each message of a batch has its own span, each is a section.
 */
export type LaneSection = {
  readonly traceId: string
  readonly laneId: string
  /** The enclosing section in the same lane. */
  readonly outer: LaneSection | undefined
  /**
   * Targets of its links, and its producer if the section is that span's child. Empty for the part
   * of a lane outside other sections.
   */
  readonly causes: readonly FlowSpanRef[]
}

/** A split of a trace: from a parent to the consumer of its message. The parent may be missing. */
export type LaneBoundary = { readonly from: FlowSpanRef; readonly to: FlowSpanRef }

export type TraceLanes = {
  readonly lanes: readonly Lane[]
  readonly boundaries: readonly LaneBoundary[]
  readonly spans: SpanIndex<LaneSpan>
}

/**
 * Splits a trace where a consumer is the child of its producer, so that parent mode has the same
 * lanes and edges as link mode. Spans under no boundary are in the lane of the trace.
 *
 * @param section of all spans, until their own is known
 */
export function splitIntoLanes(
  rows: readonly FlowSpanRow[],
  linksOf: (span: FlowSpanRow) => readonly FlowLink[],
  section: LaneSection,
): TraceLanes {
  const boundaries: LaneBoundary[] = []
  const lanes = new Map<string, Lane>()
  const spans = createSpanIndex<LaneSpan>()
  const place = (row: FlowSpanRow, id: string, parent: LaneSpan | undefined): LaneSpan => {
    let lane = parent?.lane ?? lanes.get(id)
    if (lane === undefined) {
      lane = { id, traceId: row.traceId, spans: [] }
      lanes.set(id, lane)
    }
    const placed: LaneSpan = { span: row, lane, parent, children: [], section }
    parent?.children.push(placed)
    lane.spans.push(placed)
    indexSpan(spans, placed)
    return placed
  }
  const ofTrace = deduplicateSpans(rows)
  const parents = findParents(ofTrace)
  const shared = findSharedIds(ofTrace)
  const isInside = (row: FlowSpanRow, parent: FlowSpanRow | undefined): boolean =>
    !isSentByOther(row, parent) && isLinkedElsewhere(row, parent, linksOf(row))
  const placed: LaneSpan[] = []
  const path: number[] = []
  for (let start = 0; start < ofTrace.length; start++) {
    // Walks up to a placed ancestor, then down: parents precede children, and deep traces need no
    // recursion.
    for (let at = start; at >= 0 && placed[at] === undefined; at = parents[at] as number) path.push(at)
    for (let index = path.pop(); index !== undefined; index = path.pop()) {
      const row = ofTrace[index] as FlowSpanRow
      const parent = placed[parents[index] as number]
      if (isCut(row, parent?.span) && !isInside(row, parent?.span)) {
        boundaries.push({ from: parent?.span ?? { traceId: row.traceId, spanId: row.parentSpanId }, to: row })
        // Several consumers may share one span id, or that of their producer.
        const sharer = shared.has(row.spanId) ? `-${row.service}` : ''
        placed[index] = place(row, `${row.traceId}-${row.spanId}${sharer}`, undefined)
      } else placed[index] = place(row, parent?.lane.id ?? row.traceId, parent)
    }
  }
  return { lanes: [...lanes.values()], boundaries, spans }
}

function findSharedIds(rows: readonly FlowSpanRow[]): ReadonlySet<string> {
  const [seen, shared] = [new Set<string>(), new Set<string>()]
  for (const { spanId } of rows) (seen.has(spanId) ? shared : seen).add(spanId)
  return shared
}

// Span flags of trace.proto 1.1: whether it is known if the parent is remote, and whether it is.
const HAS_IS_REMOTE = 0x100
const IS_REMOTE = 0x200

function isCut(row: FlowSpanRow, parent: FlowSpanRow | undefined): boolean {
  if ((row.parentSpanId === '' && parent === undefined) || !consumingOperations.has(row.operation)) return false
  const isRemote = (row.flags & (HAS_IS_REMOTE | IS_REMOTE)) === (HAS_IS_REMOTE | IS_REMOTE)
  const isLocal = (row.flags & (HAS_IS_REMOTE | IS_REMOTE)) === HAS_IS_REMOTE
  // The producer is not stored (yet). Older SDKs do not set the flags; only consumers have remote
  // parents.
  if (parent === undefined) return isRemote || (!isLocal && row.kind === 'consumer')
  if (producingOperations.has(parent.operation)) return true
  // A `process` span within a `receive` span of the same consumer.
  if (consumingOperations.has(parent.operation) && parent.service === row.service) return false
  // The message carried another context than that of its send span, as with an outbox.
  return isRemote || (!isLocal && parent.service !== row.service)
}

/** Such a parent is a producer of the consumer, also if no link points at it. */
function isSentByOther(row: FlowSpanRow, parent: FlowSpanRow | undefined): boolean {
  return parent !== undefined && parent.service !== row.service && producingOperations.has(parent.operation)
}

/**
 * A consumer with links has one to the creation context of its message. A parent that no link
 * points at is the span that the consumer runs in.
 */
function isLinkedElsewhere(
  { traceId, parentSpanId }: FlowSpanRow,
  parent: FlowSpanRow | undefined,
  links: readonly FlowLink[],
): boolean {
  // A span that shares the id of its parent may name another one.
  const spanId = parent?.spanId ?? parentSpanId
  return links.length > 0 && !links.some(({ target }) => target.spanId === spanId && target.traceId === traceId)
}
