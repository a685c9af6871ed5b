import type { Span } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { compileLinkCountIf } from './link-count.ts'
import { FEW_GRANULES_SETTINGS } from '../sql/span-bucket.ts'
import type { LinkBody } from '../trace-rows/trace-row.ts'
import { withinLimit } from '../traces/trace-limit.ts'
import { toCutParams, spanCondition, spanConditionInBuckets, type TracePart, zipEntries } from '../traces/trace-part.ts'

const MAX_LINKS_PER_SPAN = 200_000

export type SpanLinks = {
  /** In order of their position on the span. */
  readonly outgoing: readonly OutgoingLinkRow[]
  /** Number of links to the span. */
  readonly incoming: number
}

export type OutgoingLinkRow = Pick<Span, 'kind' | 'service'> &
  LinkBody & { readonly ordinal: number; readonly peerTraceId: string; readonly peerSpanId: string }

/** Keyed by span id. One statement for both directions: their rows are adjacent. */
export async function fetchTraceLinks(
  store: Store,
  { request, buckets, limit }: TracePart,
  options: QueryOptions,
): Promise<ReadonlyMap<string, SpanLinks>> {
  const rows = await store.query<{ spanId: string; incoming: string; outgoing: readonly OutgoingLinkColumns[] }>(
    `select hex(span_id) as spanId, ${compileLinkCountIf('peer_trace_id, peer_span_id, kind, service, ordinal', "direction = 'in'")} as incoming,
      groupArrayIf(${MAX_LINKS_PER_SPAN})((kind, service, ordinal, hex(peer_trace_id), hex(peer_span_id), trace_state, flags, attrs.keys, attrs.values,
        attr_types, dropped_attrs), direction = 'out') as outgoing
    from span_links
    where ${spanCondition} ${limit === undefined ? '' : `and span_id in (select span_id from spans where ${spanConditionInBuckets} and ${withinLimit})`}
    group by span_id
    ${FEW_GRANULES_SETTINGS}`,
    { ...request, ...(limit && (await buckets)), ...toCutParams(limit) },
    options,
  )
  return new Map(
    rows.map(({ spanId, incoming, outgoing }) => [
      spanId.toLowerCase(),
      { incoming: Number(incoming), outgoing: toLinkRows(outgoing) },
    ]),
  )
}

type OutgoingLinkColumns = readonly [
  kind: Span['kind'],
  service: string,
  ordinal: number,
  peerTraceId: string,
  peerSpanId: string,
  traceState: string,
  flags: number,
  keys: readonly string[],
  values: readonly string[],
  types: string,
  dropped: number,
]

/** Removes duplicates: a span that was sent twice has its links twice. */
function toLinkRows(links: readonly OutgoingLinkColumns[]): OutgoingLinkRow[] {
  const byOrdinal = new Map(links.map((link) => [`${link[2]} ${link[0]} ${link[1]}`, link]))
  return Array.from(byOrdinal.values(), (link): OutgoingLinkRow => {
    const [
      kind,
      service,
      ordinal,
      peerTraceId,
      peerSpanId,
      traceState,
      flags,
      keys,
      values,
      attributeTypes,
      droppedAttributes,
    ] = link
    return {
      kind,
      service,
      ordinal,
      peerTraceId: peerTraceId.toLowerCase(),
      peerSpanId: peerSpanId.toLowerCase(),
      traceState,
      flags,
      attributes: zipEntries(keys, values),
      attributeTypes,
      droppedAttributes,
    }
  }).sort((a, b) => a.ordinal - b.ordinal)
}
