import type { Store } from '../../store/store.ts'
import { NO_TRACE } from '../linked-span.ts'
import { byIds, traceIdSet } from '../messaging/id-parameters.ts'
import { messagingValue } from '../messaging/messaging-sql.ts'
import type { FlowLink } from './flow-span.ts'
import type { LinksOf } from './reach.ts'

/** Links of one step that an answer may hold. */
const MAX_LINKS = 20_000

/** Reads links by key: one granule a trace, whatever the age of the other end. */
export function linksFrom(store: Store): LinksOf {
  return async (traceIds, options) => {
    const traces = traceIdSet('traceIds', traceIds)
    const rows = await store.query<LinkRow>(
      `select direction, lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId,
        lower(hex(peer_trace_id)) as peerTraceId, lower(hex(peer_span_id)) as peerSpanId, ordinal,
        ${messagingValue('topic')} as topic, ${messagingValue('partition')} as partition,
        ${messagingValue('offset')} as offset, ${messagingValue('group')} as consumerGroup
      from span_links
      where trace_id in (${traces.sql}) and peer_trace_id != toFixedString('', 16)
      limit {rows:UInt32}
      ${byIds}`,
      { ...traces.params, rows: MAX_LINKS + 1 },
      options,
    )
    return {
      links: rows
        .slice(0, MAX_LINKS)
        .filter((row) => row.traceId !== NO_TRACE)
        .map(link),
      cut: rows.length > MAX_LINKS,
    }
  }
}

type LinkRow = Pick<FlowLink, 'ordinal' | 'topic' | 'partition' | 'offset' | 'consumerGroup'> & {
  readonly direction: 'out' | 'in'
  readonly traceId: string
  readonly spanId: string
  readonly peerTraceId: string
  readonly peerSpanId: string
}

function link({ direction, traceId, spanId, peerTraceId, peerSpanId, ...said }: LinkRow): FlowLink {
  const here = { traceId, spanId }
  const there = { traceId: peerTraceId, spanId: peerSpanId }
  return direction === 'out' ? { carrier: here, target: there, ...said } : { carrier: there, target: here, ...said }
}
