import type { LinkedSpan, LinksResponse, LinksQuery, TraceLink } from '@spanlink/api-schema'
import { decodeAttributes } from '../../otlp/wire/attributes.ts'
import { operationAliases } from '../../clickhouse/insert/messaging/semconv.ts'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { isLocated, mergeRecords, resolveRecord } from '../records/record-metadata.ts'
import {
  findLinkedSpans,
  findTraceSpans,
  type LinkEnd,
  toLinkedSpan,
  NO_SPAN,
  NO_TRACE,
  computeLinkQueueTime,
} from './linked-span.ts'
import { toRefKey, toSpanKey, type SpanRef } from './span-ref.ts'
import { MAX_EXACT_COUNT } from './link-count.ts'
import { fetchLinkPage, type LinkFilter, type LinkRow } from './link-page.ts'

/**
 * Returns the links of a trace or one of its spans, with both ends resolved: first `out`, then
 * `in`, each by the start of the span that carries the link. `undefined` when neither the trace nor
 * a link to it is stored.
 */
export async function findLinks(
  store: Store,
  traceId: string,
  query: LinksQuery,
  options: QueryOptions,
): Promise<LinksResponse | undefined> {
  const { direction = 'both', spanId } = query
  const filter: LinkFilter = {
    sql: `trace_id = toFixedString(unhex({traceId:String}), 16)
      ${direction === 'both' ? '' : 'and direction = {direction:String}'}
      ${spanId === undefined ? '' : 'and span_id = toFixedString(unhex({spanId:String}), 8)'}`,
    params: { traceId, direction, spanId: spanId ?? '' },
  }
  // Incoming links end at this trace, so its spans are fetched while the links are read.
  const own = direction === 'out' ? NO_TRACE_SPANS : findTraceSpans(store, { traceId, spanId: spanId ?? '' }, options)
  const [{ rows, total, nextCursor }, known] = await Promise.all([fetchLinkPage(store, filter, query, options), own])
  if (total === undefined) return undefined
  return {
    total,
    ...(total > MAX_EXACT_COUNT ? { isTotalEstimate: true as const } : {}),
    links: await resolveLinks(store, traceId, rows, known, options),
    ...(nextCursor === undefined ? {} : { nextCursor }),
  }
}

type TraceSpans = Awaited<ReturnType<typeof findTraceSpans>>

const NO_TRACE_SPANS: TraceSpans = { spans: new Map(), whole: false }

async function resolveLinks(
  store: Store,
  traceId: string,
  rows: readonly LinkRow[],
  known: TraceSpans,
  options: QueryOptions,
): Promise<TraceLink[]> {
  const links = rows.map((row) => {
    const here = { traceId, spanId: row.spanId }
    const peer = { traceId: row.peerTraceId, spanId: row.peerSpanId }
    const [from, to] = row.direction === 'out' ? [here, peer] : [peer, here]
    return { row, from: { ...from, kind: row.kind, service: row.service }, to, own: resolveRecord(row.attributes) }
  })
  // The row has the span that carries the link, but not its attributes, which name the record where
  // the link doesn't.
  const refsToFetch = links
    .flatMap(({ from, to, own }): SpanRef[] => (isLocated(own) ? [to] : [to, from]))
    .filter((ref) => !known.spans.has(toRefKey(ref)) && !(known.whole && ref.traceId === traceId))
  const found = await findLinkedSpans(store, refsToFetch, options)
  const findEnd = (key: string): LinkEnd | undefined => known.spans.get(key) ?? found.get(key)
  return links.map(({ row, from, to, own }) => {
    const linkingSpan = toLinkedSpan(row)
    const targetEnd = findEnd(toRefKey(to))
    const target = targetEnd?.span ?? null
    const linkingEnd = findEnd(toSpanKey(from)) ?? findEnd(toRefKey(from))
    const outgoing = row.direction === 'out'
    return {
      direction: row.direction,
      spanId: row.spanId,
      span: outgoing ? linkingSpan : target,
      peerTraceId: row.peerTraceId === NO_TRACE ? '' : row.peerTraceId,
      peerSpanId: row.peerSpanId === NO_SPAN ? '' : row.peerSpanId,
      peer: outgoing ? target : linkingSpan,
      traceState: row.traceState,
      flags: row.flags,
      attributes: decodeAttributes(row.attributes, row.attributeTypes),
      droppedAttributesCount: row.droppedAttributes,
      record: mergeRecords([own, linkingEnd?.record, targetEnd?.record]),
      queueTimeNano: computeLinkQueueTime(target, linkingSpan, guessOperation(linkingSpan)),
    }
  })
}

/**
 * Guesses the operation from the span name, the only hint in a row of `span_links`: `receive
 * orders` since 1.27, `orders receive` before.
 */
function guessOperation({ name }: LinkedSpan): string | undefined {
  const words = name.toLowerCase().split(' ')
  return operationAliases[words[0] ?? ''] ?? operationAliases[words.at(-1) ?? '']
}
