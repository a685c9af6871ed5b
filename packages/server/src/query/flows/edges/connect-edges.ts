import type { FlowEdge, RecordMetadata } from '@spanlink/api-schema'
import { consumingOperations, producingOperations } from '../../../clickhouse/insert/messaging/semconv.ts'
import { mergeRecords, UNKNOWN_RECORD } from '../../messaging/record-metadata.ts'
import type { Edge } from './edge.ts'
import { withoutOuterDeliveries } from './inner-deliveries.ts'
import { findNamed, type FlowLink, type FlowSpanRow, type SpanRef, spanKey } from '../flow-span.ts'
import type { CutTraces } from '../lanes.ts'

/**
 * Every link once, and every cut that no link tells as well; of a message that several spans of a
 * consumer took, the innermost.
 */
export function connect(parts: CutTraces, links: readonly FlowLink[]): Edge[] {
  return withoutOuterDeliveries(connectAll(parts, links))
}

function connectAll({ cuts, spans }: CutTraces, links: readonly FlowLink[]): Edge[] {
  const edges = new Map<string, Edge>()
  const linked = new Map<string, string>()
  for (const link of links) {
    const { carrier, target, ordinal } = link
    const shortId = `${carrier.traceId}-${carrier.spanId}-${ordinal}`
    const known = edges.get(shortId)
    // A sender that gives one span twice, with other links: the last arrival counts.
    const id = known === undefined || known.toRef.sharer === carrier.sharer ? shortId : `${shortId}-${carrier.sharer}`
    edges.set(id, edge(id, target, carrier, 'link', link))
    linked.set(`${spanKey(target)}${spanKey(carrier)} ${carrier.sharer}`, id)
  }
  for (const { from, to } of cuts) {
    const told = edges.get(linked.get(`${spanKey(from)}${spanKey(to)} ${to.sharer}`) ?? '')
    if (told !== undefined) edges.set(told.id, { ...told, via: 'both' })
    else {
      const id = `${findNamed(spans, to)?.lane.id ?? `${to.traceId}-${to.spanId}`}-parent`
      edges.set(id, edge(id, from, to, 'parent', NOTHING_SAID))
    }
  }
  return [...edges.values()]

  function edge(id: string, fromRef: SpanRef, toRef: SpanRef, via: FlowEdge['via'], said: Said): Edge {
    const from = findNamed(spans, fromRef)
    const to = findNamed(spans, toRef)
    const role = roleOf(from?.span, to?.span)
    const ends = role === 'link' ? [said] : [said, to?.span, from?.span]
    return {
      id,
      fromRef,
      toRef,
      from,
      to,
      via,
      role,
      record: mergeRecords(ends),
      consumerGroup: ends.find((end) => end !== undefined && end.consumerGroup !== '')?.consumerGroup ?? '',
    }
  }
}

type Said = RecordMetadata & Pick<FlowLink, 'consumerGroup'>

const NOTHING_SAID: Said = { ...UNKNOWN_RECORD, consumerGroup: '' }

function roleOf(from: FlowSpanRow | undefined, to: FlowSpanRow | undefined): FlowEdge['role'] {
  // Whatever a consumer points at is the creation context of its message, unless it is a consumer
  // itself.
  if (to !== undefined && consumingOperations.has(to.operation)) {
    return from !== undefined && consumingOperations.has(from.operation) ? 'processing' : 'message'
  }
  if (to !== undefined && producingOperations.has(to.operation)) return 'creation'
  if (to === undefined && from !== undefined && producingOperations.has(from.operation)) return 'message'
  return 'link'
}
