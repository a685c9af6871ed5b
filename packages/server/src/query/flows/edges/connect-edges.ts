import type { FlowEdge, RecordMetadata } from '@spanlink/api-schema'
import { consumingOperations, producingOperations } from '../../../clickhouse/insert/messaging/semconv.ts'
import { mergeRecords, UNKNOWN_RECORD } from '../../records/record-metadata.ts'
import type { Edge } from './edge.ts'
import { keepInnerDeliveries } from './inner-deliveries.ts'
import { findSpan, type FlowLink, type FlowSpanRow, type FlowSpanRef } from '../flow-span.ts'
import { toRefKey } from '../../links/span-ref.ts'
import type { FlowParts } from '../flow-parts.ts'
import type { LaneSpan } from '../lanes.ts'

/**
 * Creates an edge per link, and per lane boundary without a link. If several spans of a consumer
 * took the same message, keeps the edge to the innermost.
 */
export function connectEdges(parts: FlowParts): Edge[] {
  return keepInnerDeliveries(createEdges(parts))
}

function createEdges({ boundaries, links, spans }: FlowParts): Edge[] {
  const edges = new Map<string, Edge>()
  for (const link of links) {
    const { linkingSpan, target, ordinal } = link
    const shortId = `${linkingSpan.traceId}-${linkingSpan.spanId}-${ordinal}`
    const known = edges.get(shortId)
    // An exporter may send a span twice with different links: the last arrival counts.
    const id =
      known === undefined || known.toRef.kindServiceKey === linkingSpan.kindServiceKey
        ? shortId
        : `${shortId}-${linkingSpan.kindServiceKey}`
    edges.set(id, createEdge(id, target, linkingSpan, 'link', link))
  }
  removeEqualEdges(edges)
  const linked = new Map<string, string>()
  if (boundaries.length > 0) {
    for (const { id, fromRef, toRef } of edges.values()) linked.set(toEndsKey(fromRef, toRef), id)
  }
  for (const { from, to } of boundaries) {
    const linkEdge = edges.get(linked.get(toEndsKey(from, to)) ?? '')
    if (linkEdge !== undefined) edges.set(linkEdge.id, { ...linkEdge, via: 'both' })
    else {
      const id = `${findSpan(spans.get(to.traceId), to)?.lane.id ?? `${to.traceId}-${to.spanId}`}-parent`
      edges.set(id, createEdge(id, from, to, 'parent', UNKNOWN_LINK_RECORD))
    }
  }
  return [...edges.values()]

  function createEdge(
    id: string,
    fromRef: FlowSpanRef,
    toRef: FlowSpanRef,
    via: FlowEdge['via'],
    linkRecord: LinkRecord,
  ): Edge {
    const from = findSpan(spans.get(fromRef.traceId), fromRef)
    const to = findSpan(spans.get(toRef.traceId), toRef)
    const role = classifyEdge(from?.span, to?.span)
    const ends = role === 'link' ? [linkRecord] : [linkRecord, to?.span, from?.span]
    return {
      id,
      fromRef,
      toRef,
      from,
      to,
      via,
      role,
      record: mergeRecords(ends),
      linked: linkRecord,
      consumerGroup: ends.find((end) => end !== undefined && end.group !== '')?.group ?? '',
    }
  }
}

function toEndsKey(from: FlowSpanRef, to: FlowSpanRef): string {
  return `${toRefKey(from)}${toRefKey(to)} ${to.kindServiceKey}`
}

/** Keeps the first of a span's edges to one target with the same message. */
function removeEqualEdges(edges: Map<string, Edge>): void {
  const firsts = new Map<LaneSpan | string, Map<string, Edge>>()
  /** Of edges that are not the only ones between their ends: keys take long to build. */
  const kept = new Set<string>()
  for (const edge of edges.values()) {
    const to = edge.to ?? toRefKey(edge.toRef)
    const byTarget = firsts.get(to) ?? new Map<string, Edge>()
    firsts.set(to, byTarget)
    const first = byTarget.get(edge.fromRef.spanId)
    if (first === undefined) byTarget.set(edge.fromRef.spanId, edge)
    else {
      kept.add(toEdgeKey(first))
      const key = toEdgeKey(edge)
      if (kept.has(key)) edges.delete(edge.id)
      else kept.add(key)
    }
  }
}

function toEdgeKey({ fromRef, toRef, record, consumerGroup }: Edge): string {
  const { cluster, topic, partition, offset, key } = record
  return JSON.stringify([toEndsKey(fromRef, toRef), cluster, topic, partition, offset, key, consumerGroup])
}

type LinkRecord = RecordMetadata & Pick<FlowLink, 'group'>

const UNKNOWN_LINK_RECORD: LinkRecord = { ...UNKNOWN_RECORD, group: '' }

function classifyEdge(from: FlowSpanRow | undefined, to: FlowSpanRow | undefined): FlowEdge['role'] {
  // A consumer's link points at the creation context of its message, unless the target consumes
  // too.
  if (to !== undefined && consumingOperations.has(to.operation)) {
    return from !== undefined && consumingOperations.has(from.operation) ? 'processing' : 'message'
  }
  if (to !== undefined && producingOperations.has(to.operation)) return 'creation'
  if (to === undefined && from !== undefined && producingOperations.has(from.operation)) return 'message'
  return 'link'
}
