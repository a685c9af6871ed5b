import type { FlowAnswer, FlowEdge, FlowEnd, FlowLane, FlowSpan } from '@spanlink/contract'
import { criticalPath } from './critical-path.ts'
import { connect, type Edge, edgeQueueTime } from './edges.ts'
import type { FlowSpanRow, SpanRef } from './flow-span.ts'
import { laneDepths } from './lane-depths.ts'
import { cutIntoLanes, type Lane, type LaneSpan } from './lanes.ts'
import type { Reached } from './reach.ts'
import { statisticsOf } from './statistics.ts'

export type FlowQuestion = { readonly traceId: string; readonly spanId: string | undefined }

/** Puts together what was read; all of it is a function of these rows. */
export function flowAnswer(
  question: FlowQuestion,
  reached: Reached,
  rows: readonly FlowSpanRow[],
): Pick<FlowAnswer, 'lanes' | 'edges' | 'missingTraceIds' | 'statistics' | 'criticalPath'> {
  const order = new Map(reached.traces.map(({ traceId }, index) => [traceId, index]))
  const inner = reached.links.filter(({ carrier, target }) => order.has(carrier.traceId) && order.has(target.traceId))
  const cut = cutIntoLanes(rows, reached.links)
  const edges = connect(cut, inner)
  const target = chosen(question, cut.lanes)
  const found = target && criticalPath(target, edges)

  const isOnPage = (traceId: string): boolean => (order.get(traceId) ?? -1) >= reached.pageStart
  const depths = laneDepths(question, cut.lanes, edges)
  const hidden = hiddenLinks(reached, order)
  const touched = new Set(edges.flatMap((edge) => [edge.from, edge.to]))
  const present = new Set(cut.lanes.map((lane) => lane.traceId))
  return {
    lanes: cut.lanes
      .filter((lane) => isOnPage(lane.traceId))
      .map((lane) => flowLane(lane, touched, depths.get(lane.id) ?? -1, hidden.get(lane.traceId) ?? 0))
      .sort((a, b) => byTime(a.startTimeUnixNano, b.startTimeUnixNano) || (a.id < b.id ? -1 : 1)),
    edges: edges
      .filter((edge) => isOnPage(edge.fromRef.traceId) || isOnPage(edge.toRef.traceId))
      .map((edge) => flowEdge(edge, found?.edgeIds.has(edge.id) ?? false)),
    missingTraceIds: reached.traces
      .map(({ traceId }) => traceId)
      .filter((traceId) => isOnPage(traceId) && !present.has(traceId)),
    statistics: statisticsOf(cut.lanes, edges),
    criticalPath: found?.path ?? null,
  }
}

/** The span asked for, in the asked trace if it is there; else the one that ends last, the outermost of several. */
function chosen({ traceId, spanId }: FlowQuestion, lanes: readonly Lane[]): LaneSpan | undefined {
  const all = lanes.flatMap((lane) => lane.spans)
  const named = all.filter(({ span }) => span.spanId === spanId)
  if (named.length > 0) return named.find(({ span }) => span.traceId === traceId) ?? named[0]
  return all.reduce<LaneSpan | undefined>((last, one) => {
    if (last === undefined || one.span.end > last.span.end) return one
    return one.span.end === last.span.end && one.span.start < last.span.start ? one : last
  }, undefined)
}

function hiddenLinks({ links }: Reached, order: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const hidden = new Map<string, number>()
  for (const { carrier, target } of links) {
    const [from, to] = [order.has(carrier.traceId), order.has(target.traceId)]
    if (from === to) continue
    const traceId = from ? carrier.traceId : target.traceId
    hidden.set(traceId, (hidden.get(traceId) ?? 0) + 1)
  }
  return hidden
}

function flowLane(
  { id, traceId, spans }: Lane,
  touched: ReadonlySet<LaneSpan | undefined>,
  depth: number,
  hidden: number,
): FlowLane {
  const sorted = spans.toSorted((a, b) => byStart(a.span, b.span))
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
    services: servicesOf(spans),
    depth,
    hiddenLinks: hidden,
    spans: sorted.filter((one) => touched.has(one) || one.span === first).map(({ span }) => flowSpan(span)),
  }
}

function servicesOf(spans: readonly LaneSpan[]): FlowLane['services'] {
  return Array.from(
    Map.groupBy(spans, ({ span }) => span.service),
    ([name, of]) => ({
      name,
      spanCount: of.length,
      errorCount: of.filter(({ span }) => span.status === 'error').length,
    }),
  ).sort((a, b) => b.spanCount - a.spanCount || (a.name < b.name ? -1 : 1))
}

function flowSpan(span: FlowSpanRow): FlowSpan {
  const { spanId, parentSpanId, service, name, kind, status, operation, topic, consumerGroup } = span
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
    consumerGroup,
  }
}

function flowEdge(edge: Edge, onCriticalPath: boolean): FlowEdge {
  const { id, via, role, topic, partition, offset, consumerGroup } = edge
  const time = edgeQueueTime(edge)
  return {
    id,
    from: flowEnd(edge.fromRef, edge.from),
    to: flowEnd(edge.toRef, edge.to),
    via,
    role,
    topic,
    partition,
    offset,
    consumerGroup,
    queueTimeNano: time === undefined ? null : String(time),
    onCriticalPath,
  }
}

function flowEnd({ traceId, spanId }: SpanRef, end: LaneSpan | undefined): FlowEnd {
  return { traceId, spanId, laneId: end?.lane.id ?? null, service: end?.span.service ?? '', name: end?.span.name ?? '' }
}

function byStart(a: FlowSpanRow, b: FlowSpanRow): number {
  if (a.start !== b.start) return a.start < b.start ? -1 : 1
  return a.spanId < b.spanId ? -1 : 1
}

function byTime(a: string, b: string): number {
  const difference = BigInt(a) - BigInt(b)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}
