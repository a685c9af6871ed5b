import { findBatchTopics } from '../../records/batch-sizes.ts'
import type { SpanIdentity } from '../../links/span-ref.ts'
import type { MessagingSpan } from '../messaging-spans/messaging-span.ts'
import type { SpanLookup } from '../messaging-spans/span-lookup.ts'

/** Finds message counts of the batch spans among these, by `toSpanKey`. */
export async function findBatchSizes(
  lookup: SpanLookup,
  spans: readonly SpanIdentity[],
): Promise<ReadonlyMap<string, number>> {
  const details = await lookup.detailsOf(spans)
  return new Map([...details].flatMap(([key, { batchSize }]) => (batchSize === undefined ? [] : [[key, batchSize]])))
}

/** Like `findBatchSizes`, for sends. Reads spans only of topics that the rollup has batches of. */
export async function findSendSizes(
  lookup: SpanLookup,
  sent: readonly MessagingSpan[],
): Promise<ReadonlyMap<string, number>> {
  const unknown = sent.filter((span) => !lookup.hasDetails(span))
  const topics = unknown.length === 0 ? new Set() : await findBatchTopics(lookup.store, unknown, lookup.options)
  return await findBatchSizes(
    lookup,
    sent.filter((span) => lookup.hasDetails(span) || topics.has(span.topic)),
  )
}
