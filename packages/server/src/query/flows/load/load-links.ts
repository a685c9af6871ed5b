import type { SpanKind } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { NO_TRACE } from '../../links/linked-span.ts'
import { BY_IDS_SETTINGS, createTraceIdSet } from '../../sql/id-parameters.ts'
import { messagingAttributes } from '../../records/messaging-sql.ts'
import { resolveGroup, resolveRecord } from '../../records/record-metadata.ts'
import type { FlowLink } from '../flow-span.ts'
import { toKindServiceKey } from '../../links/span-ref.ts'

/** Limit of links per call. */
const MAX_LINKS = 20_000

export type FoundLinks = {
  readonly links: readonly FlowLink[]
  /** The limit cut off links. */
  readonly isTruncated: boolean
}

/**
 * Loads the links of these traces in either direction by key: one granule per trace, regardless of
 * the age of the other end.
 */
export async function loadLinks(store: Store, traceIds: readonly string[], options: QueryOptions): Promise<FoundLinks> {
  const traces = createTraceIdSet('traceIds', traceIds)
  // One row per trace with a tuple per link: see loadSpans.
  const found = await store.query<{ readonly traceId: string; readonly links: readonly LinkColumns[] }>(
    `select hex(trace_id) as traceId, groupArray((direction, hex(span_id), hex(peer_trace_id), hex(peer_span_id), ordinal,
        kind, service, mapKeys(named), mapValues(named))) as links
      from (
        select trace_id, direction, span_id, peer_trace_id, peer_span_id, ordinal, kind, service, ${messagingAttributes} as named
        from span_links
        where trace_id in (${traces.sql}) and peer_trace_id != toFixedString('', 16)
        order by trace_id, direction, span_id, start, peer_span_id, ordinal
        limit {rows:UInt32})
      group by trace_id
      ${BY_IDS_SETTINGS}`,
    { ...traces.params, rows: MAX_LINKS + 1 },
    options,
  )
  const links = found.flatMap(({ traceId, links }) => {
    const id = traceId.toLowerCase()
    return id === NO_TRACE ? [] : links.map((columns) => toFlowLink(id, columns))
  })
  const count = found.reduce((sum, { links }) => sum + links.length, 0)
  return { links: links.slice(0, MAX_LINKS), isTruncated: count > MAX_LINKS }
}

type LinkColumns = readonly [
  direction: 'out' | 'in',
  spanId: string,
  peerTraceId: string,
  peerSpanId: string,
  ordinal: number,
  kind: SpanKind,
  service: string,
  names: readonly string[],
  values: readonly string[],
]

function toFlowLink(traceId: string, columns: LinkColumns): FlowLink {
  const [direction, spanId, peerTraceId, peerSpanId, ordinal, kind, service, names, values] = columns
  const attributes = names.map((name, at) => [name, values[at] ?? ''] as const)
  const own = { traceId, spanId: spanId.toLowerCase() }
  const peer = { traceId: peerTraceId.toLowerCase(), spanId: peerSpanId.toLowerCase() }
  const [linkingRef, target] = direction === 'out' ? [own, peer] : [peer, own]
  const linkingSpan = { ...linkingRef, kindServiceKey: toKindServiceKey({ kind, service }) }
  return { linkingSpan, target, ordinal, ...resolveRecord(attributes), group: resolveGroup(attributes) }
}
