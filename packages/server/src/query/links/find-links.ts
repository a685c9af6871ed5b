import type { LinkedSpan, LinksResponse, LinksQuery, TraceLink } from '@spanlink/api-schema'
import { decodeAttributes } from '../../otlp/wire/attributes.ts'
import { operationAliases } from '../../clickhouse/insert/messaging/semconv.ts'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { isLocated, mergeRecords, resolveRecord } from '../records/record-metadata.ts'
import { computeLinkQueueTime, findLinkedSpans, NO_SPAN, NO_TRACE, toLinkEnds } from './linked-span.ts'
import { MAX_EXACT_COUNT } from './link-count.ts'
import { fetchLinkPage, type OwnSpans } from './link-page.ts'
import type { LinkRow } from './link-row.ts'
import type { LinksRequest } from './many-links.ts'
import { toRefKey, type SpanRef } from './span-ref.ts'

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
    return { row, to: row.direction === 'out' ? peer : here }
  })
  const refs = links.map(({ to }): SpanRef => to)
  const keys = new Set(refs.map(toRefKey))
  const ends = toLinkEnds(spans.filter((span) => keys.has(toRefKey(span))))
  const isKnown = (ref: SpanRef): boolean =>
    ends.has(toRefKey(ref)) || (isWhole && ref.traceId === traceId && (spanId ?? ref.spanId) === ref.spanId)
  const found = await findLinkedSpans(
    store,
    refs.filter((ref) => !isKnown(ref)),
    options,
  )
  return links.map(({ row, to }): TraceLink => {
    const { direction, linkingSpan, linkingRecord } = row
    const targetEnd = ends.get(toRefKey(to)) ?? found.get(toRefKey(to))
    const target = targetEnd?.span ?? null
    const own = resolveRecord(row.attributes)
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
      // A span with several links may have the key of another message than this one.
      record: mergeRecords([own, isLocated(own) ? undefined : linkingRecord, targetEnd?.record]),
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
