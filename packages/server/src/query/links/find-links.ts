import type { LinkedSpan, LinksResponse, LinksQuery, TraceLink } from '@spanlink/api-schema'
import { decodeAttributes } from '../../otlp/wire/attributes.ts'
import { operationAliases } from '../../clickhouse/insert/messaging/semconv.ts'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { mergeRecords, resolveRecord } from '../records/record-metadata.ts'
import { computeLinkQueueTime, findLinkedSpans, type LinkEnd, NO_SPAN, NO_TRACE, toLinkEnds } from './linked-span.ts'
import { MAX_EXACT_COUNT } from './link-count.ts'
import { fetchLinkPage, type OwnSpans } from './link-page.ts'
import type { LinkRow } from './link-row.ts'
import type { LinksRequest } from './many-links.ts'
import { toRefKey, toSpanKey, type SpanRef } from './span-ref.ts'

/**
 * Returns the links of a trace or one of its spans, with both ends resolved: first `out`, then
 * `in`, each by the start of the span that carries the link. `undefined` when neither the trace nor
 * a link to it is stored.
 */
export async function findLinks(
  store: Store,
  traceId: string,
  { direction = 'both', spanId, ...query }: LinksQuery,
  options: QueryOptions,
): Promise<LinksResponse | undefined> {
  const request = { traceId: traceId.toLowerCase(), spanId: spanId?.toLowerCase(), direction }
  const { rows, total, nextCursor, ...own } = await fetchLinkPage(store, request, query, options)
  if (total === undefined) return undefined
  return {
    total,
    ...(total > MAX_EXACT_COUNT ? { isTotalEstimate: true as const } : {}),
    links: await resolveLinks(store, request, rows, own, options),
    ...(nextCursor === undefined ? {} : { nextCursor }),
  }
}

async function resolveLinks(
  store: Store,
  { traceId, spanId }: LinksRequest,
  rows: readonly LinkRow[],
  { spans, isWhole }: OwnSpans,
  options: QueryOptions,
): Promise<TraceLink[]> {
  const links = rows.map((row) => {
    const here = { traceId, spanId: row.spanId }
    const peer = { traceId: row.peerTraceId, spanId: row.peerSpanId }
    const [from, to] = row.direction === 'out' ? [here, peer] : [peer, here]
    return { row, from, to }
  })
  const refs = links.flatMap(({ row, from, to }): SpanRef[] => (row.linkingRecord === undefined ? [to, from] : [to]))
  const keys = new Set(refs.map(toRefKey))
  // Of several spans that share an id, only all together tell which one a link means.
  const ends = toLinkEnds(isWhole ? spans.filter((span) => keys.has(toRefKey(span))) : [])
  const isKnown = (ref: SpanRef): boolean => isWhole && ref.traceId === traceId && (spanId ?? ref.spanId) === ref.spanId
  const found = await findLinkedSpans(
    store,
    refs.filter((ref) => !isKnown(ref)),
    options,
  )
  const findEnd = (key: string): LinkEnd | undefined => ends.get(key) ?? found.get(key)
  return links.map(({ row, from, to }): TraceLink => {
    const { direction, linkingSpan } = row
    const targetEnd = findEnd(toRefKey(to))
    const target = targetEnd?.span ?? null
    const linkingRecord =
      row.linkingRecord ?? (findEnd(toSpanKey({ ...from, ...linkingSpan })) ?? findEnd(toRefKey(from)))?.record
    return {
      direction,
      spanId: row.spanId,
      span: direction === 'out' ? linkingSpan : target,
      peerTraceId: row.peerTraceId === NO_TRACE ? '' : row.peerTraceId,
      peerSpanId: row.peerSpanId === NO_SPAN ? '' : row.peerSpanId,
      peer: direction === 'out' ? target : linkingSpan,
      traceState: row.traceState,
      flags: row.flags,
      attributes: decodeAttributes(row.attributes, row.attributeTypes),
      droppedAttributesCount: row.droppedAttributes,
      record: mergeRecords([resolveRecord(row.attributes), linkingRecord, targetEnd?.record]),
      queueTimeNano: computeLinkQueueTime(target, linkingSpan, guessOperation(linkingSpan)),
    }
  })
}

/**
 * Guesses the operation from the span name, the only hint in a backlink: `receive orders` since
 * 1.27, `orders receive` before.
 */
function guessOperation({ name }: LinkedSpan): string | undefined {
  const words = name.toLowerCase().split(' ')
  return operationAliases[words[0] ?? ''] ?? operationAliases[words.at(-1) ?? '']
}
