import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import { findMessagingSpans, findProducingChildren } from '../messaging-spans/find-messaging-spans.ts'
import type { MessagingSpan } from '../messaging-spans/messaging-span.ts'
import { findMessageLinks } from './message-links.ts'

type Send = Pick<MessagingSpan, 'kind' | 'status' | 'topic'>

/**
 * Finds which of these producers only enclose or prepare the send of another span, by `toSpanKey`:
 * Spring's observation around the Java agent's span, or the `create` span of an outbox. They are no
 * messages of their own unless a consumer took their context.
 */
export async function findOuterSends(
  store: Store,
  producers: readonly MessagingSpan[],
  options: QueryOptions,
): Promise<ReadonlySet<string>> {
  if (producers.length === 0) return new Set()
  const [children, links] = await Promise.all([
    findProducingChildren(store, producers, options),
    findMessageLinks(store, producers, 'in', options),
  ])
  const linkingRefs = links
    .filter(({ consumedRef }) => consumedRef.kind === 'producer')
    .map(({ consumedRef, consumedAt }) => ({ ...consumedRef, start: consumedAt }))
  const linking = [...(await findMessagingSpans(store, linkingRefs, options)).values()].flat()
  const linkingByKey = new Map(linking.map((span) => [toSpanKey(span), span]))
  const linksOf = Map.groupBy(await findMessageLinks(store, linking, 'out', options), ({ consumedRef }) =>
    toSpanKey(consumedRef),
  )
  const childrenOf = Map.groupBy(children, ({ traceId, parentSpanId }) => traceId + parentSpanId)
  const linkingOf = Map.groupBy(links, ({ producerRef }) => toRefKey(producerRef))
  const findInner = (outer: MessagingSpan): MessagingSpan[] => [
    ...(childrenOf.get(toRefKey(outer)) ?? []),
    ...(linkingOf.get(toRefKey(outer)) ?? []).flatMap(({ consumedRef }) => {
      const key = toSpanKey(consumedRef)
      // A send with several links sends the messages of several contexts.
      return linksOf.get(key)?.length === 1 ? (linkingByKey.get(key) ?? []) : []
    }),
  ]
  const outer = producers.filter((one) => findInner(one).some((inner) => isSameSend(one, inner)))
  return new Set(outer.map(toSpanKey))
}

/**
 * Whether two producers may have sent one message. A failed send is another attempt. The topology
 * has the same rule in SQL (topology/nested-sends.ts).
 */
export function isSameSend(outer: Send, inner: Send): boolean {
  return inner.kind === 'producer' && inner.status !== 'error' && inner.topic === outer.topic
}
