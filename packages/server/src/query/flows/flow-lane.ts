import type { FlowLane, FlowSpan, JoinedWith } from '@spanlink/api-schema'
import type { FlowSpanRow } from './flow-span.ts'
import type { Lane, LaneSpan } from './lanes.ts'

export type LaneContext = {
  readonly depth: number
  readonly hiddenLinks: number
  readonly joinedWith: JoinedWith | undefined
  /** An edge starts in the lane. */
  readonly hasOutgoingEdge: boolean
}

/** @param touched spans at which an edge starts or ends */
export function toFlowLane(
  { id, traceId, spans }: Lane,
  touched: ReadonlySet<LaneSpan | undefined>,
  { depth, hiddenLinks, joinedWith, hasOutgoingEdge }: LaneContext,
): FlowLane {
  const sorted = spans.toSorted((a, b) => compareStarts(a.span, b.span))
  const isCutOff = id !== traceId
  const root = isCutOff ? spans[0] : sorted.find(({ span }) => span.parentSpanId === '')
  const first = (root ?? sorted[0])?.span
  if (first === undefined) throw new Error(`lane ${id} has no span`)
  const start = sorted[0]?.span.start ?? first.start
  const end = spans.reduce((last, { span }) => (span.end > last ? span.end : last), 0n)
  return {
    id,
    traceId,
    rootSpanId: first.spanId,
    rootService: first.service,
    rootName: first.name,
    rootMissing: root === undefined,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(end),
    durationNano: String(end - start),
    spanCount: spans.length,
    errorCount: spans.filter(({ span }) => span.status === 'error').length,
    services: countServices(spans),
    ...(!hasOutgoingEdge && endsAtReceive(spans) ? { endsAtReceive: true as const } : {}),
    ...(joinedWith === undefined ? {} : { joinedWith }),
    depth,
    hiddenLinks,
    spans: sorted.filter((one) => touched.has(one) || one.span === first).map(({ span }) => toFlowSpan(span)),
  }
}

/**
 * Whether a lane only receives; for lanes without outgoing edges (kotel's LinkSpans continues in
 * another trace). Any other span would show the work of the handler; `settle` spans are the
 * client's.
 */
function endsAtReceive(spans: readonly LaneSpan[]): boolean {
  return (
    spans.some(({ span }) => span.operation === 'receive') &&
    spans.every(({ span }) => span.operation === 'receive' || span.operation === 'settle')
  )
}

function countServices(spans: readonly LaneSpan[]): FlowLane['services'] {
  return Array.from(
    Map.groupBy(spans, ({ span }) => span.service),
    ([name, own]) => ({
      name,
      spanCount: own.length,
      errorCount: own.filter(({ span }) => span.status === 'error').length,
    }),
  ).sort((a, b) => b.spanCount - a.spanCount || (a.name < b.name ? -1 : 1))
}

function toFlowSpan(span: FlowSpanRow): FlowSpan {
  const { spanId, parentSpanId, service, name, kind, status, operation, topic, group } = span
  return {
    spanId,
    parentSpanId,
    service,
    name,
    kind,
    status,
    startTimeUnixNano: String(span.start),
    endTimeUnixNano: String(span.end),
    operation,
    topic,
    consumerGroup: group,
  }
}

function compareStarts(a: FlowSpanRow, b: FlowSpanRow): number {
  if (a.start !== b.start) return a.start < b.start ? -1 : 1
  return a.spanId < b.spanId ? -1 : 1
}
