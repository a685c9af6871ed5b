import { isSameMessage, isSameOrUnknown, mergeRecords } from '../../records/record-metadata.ts'
import type { Edge } from './edge.ts'
import { toRefKey } from '../../links/span-ref.ts'
import type { LaneSpan } from '../lanes.ts'

/** Levels searched above a message's span: handler spans, the batch's span, the receive span. */
const MAX_NESTING = 16

/**
 * A consumer may link to a producer from its receive span, the span of the batch and that of the
 * message. They are one delivery: keeps the edge to the innermost `process` span, with the message
 * details of all of them.
 */
export function keepInnerDeliveries(edges: readonly Edge[]): Edge[] {
  const innerOf = new Map<DeliveryEdge, DeliveryEdge>()
  const sameProducer = Map.groupBy(edges.filter(isDelivery), ({ fromRef, to }) => `${toRefKey(fromRef)} ${to.lane.id}`)
  for (const same of sameProducer.values()) {
    if (same.length < 2) continue
    markReceives(same, innerOf)
    markOuterSpans(same, innerOf)
  }
  if (innerOf.size === 0) return [...edges]
  const outersOf = Map.groupBy(innerOf.keys(), (outer) => findInnermost(outer, innerOf))
  return edges.flatMap((edge) => {
    if (!isDelivery(edge)) return [edge]
    if (innerOf.has(edge)) return []
    const all = [edge, ...(outersOf.get(edge) ?? [])]
    const consumerGroup = all.find((one) => one.consumerGroup !== '')?.consumerGroup ?? ''
    const record = mergeRecords(all.map((one) => one.record))
    const linked = mergeRecords(all.map((one) => one.linked))
    return [{ ...edge, consumerGroup, record, linked }]
  })
}

type DeliveryEdge = Edge & { readonly to: LaneSpan }

function isDelivery(edge: Edge): edge is DeliveryEdge {
  return edge.role === 'message' && edge.to !== undefined
}

function isProcess({ to }: DeliveryEdge): boolean {
  return to.span.operation === 'process'
}

function findInnermost(outer: DeliveryEdge, innerOf: ReadonlyMap<DeliveryEdge, DeliveryEdge>): DeliveryEdge {
  let edge = outer
  for (let inner = innerOf.get(edge); inner !== undefined; inner = innerOf.get(edge)) edge = inner
  return edge
}

function isSameDelivery(a: DeliveryEdge, b: DeliveryEdge): boolean {
  const isSameConsumer = a.to.span.service === b.to.span.service && isSameOrUnknown(a.consumerGroup, b.consumerGroup)
  return isSameConsumer && isSameMessage(a.record, b.record)
}

/**
 * Marks edges to the spans that enclose a `process` span. Indexed by offset, as there may be
 * thousands of links.
 */
function markOuterSpans(same: readonly DeliveryEdge[], innerOf: Map<DeliveryEdge, DeliveryEdge>): void {
  const edgesOf = new Map(
    Array.from(
      Map.groupBy(same, ({ to }) => to),
      ([to, edges]) => [to, Map.groupBy(edges, ({ record }) => record.offset)],
    ),
  )
  /** Enclosing spans already compared with an edge without an offset. */
  const unnamed = new Set<LaneSpan>()
  for (const edge of same.filter(isProcess)) {
    const { offset } = edge.record
    let outer = edge.to.parent
    for (let level = 0; outer !== undefined && level < MAX_NESTING; level++, outer = outer.parent) {
      const byOffset = edgesOf.get(outer)
      if (byOffset === undefined || (offset === '' && unnamed.has(outer))) continue
      if (offset === '') unnamed.add(outer)
      const all = [
        ...(byOffset.get(offset) ?? []),
        ...(offset === '' ? selectOnlyEdge(byOffset) : (byOffset.get('') ?? [])),
      ]
      for (const one of all) if (isSameDelivery(one, edge)) innerOf.set(one, edge)
    }
  }
}

/** A `process` span without an offset can't be matched to one of several messages. */
function selectOnlyEdge(byOffset: ReadonlyMap<string, readonly DeliveryEdge[]>): readonly DeliveryEdge[] {
  const [first = []] = byOffset.values()
  return byOffset.size === 1 && first.length === 1 ? first : []
}

/**
 * Marks the last receive before each `process` span. Earlier ones belong to other deliveries of the
 * message.
 */
function markReceives(same: readonly DeliveryEdge[], innerOf: Map<DeliveryEdge, DeliveryEdge>): void {
  const receives = same.filter((edge) => !isProcess(edge)).sort(compareStarts)
  const byOffset = Map.groupBy(receives, ({ record }) => record.offset)
  for (const edge of same.filter(isProcess)) {
    const { offset } = edge.record
    const lists = offset === '' ? [receives] : [byOffset.get(offset) ?? [], byOffset.get('') ?? []]
    for (const list of lists) {
      const last = findLastBefore(list, edge.to.span.start)
      if (last !== undefined && isSameDelivery(last, edge)) innerOf.set(last, edge)
    }
  }
}

function findLastBefore(sorted: readonly DeliveryEdge[], start: bigint): DeliveryEdge | undefined {
  let [from, until] = [0, sorted.length]
  while (from < until) {
    const middle = (from + until) >> 1
    if ((sorted[middle] as DeliveryEdge).to.span.start <= start) from = middle + 1
    else until = middle
  }
  return sorted[from - 1]
}

function compareStarts(a: DeliveryEdge, b: DeliveryEdge): number {
  return a.to.span.start < b.to.span.start ? -1 : a.to.span.start > b.to.span.start ? 1 : 0
}
