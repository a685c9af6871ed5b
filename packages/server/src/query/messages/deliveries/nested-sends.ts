import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import {
  findProducingChildren,
  findSpansByIdentity,
  type StoreAccess,
} from '../messaging-spans/find-messaging-spans.ts'
import type { MessagingSpan } from '../messaging-spans/messaging-span.ts'
import { findLinksFrom, findLinksTo } from './message-links.ts'

type Send = Pick<MessagingSpan, 'kind' | 'status' | 'topic'>

/**
 * Finds which of these producers only enclose or prepare the send of another span, by `toSpanKey`:
 * Spring's observation around the Java agent's span, or the `create` span of an outbox. They are no
 * messages of their own unless a consumer took their context.
 */
export async function findOuterSends(
  access: StoreAccess,
  producers: readonly MessagingSpan[],
): Promise<ReadonlySet<string>> {
  if (producers.length === 0) return new Set()
  const [children, links] = await Promise.all([
    findProducingChildren(access, producers),
    findLinksTo(access, producers),
  ])
  const linkingRefs = links.map(({ consumedRef }) => consumedRef).filter(({ kind }) => kind === 'producer')
  const linkingByKey = await findSpansByIdentity(access, linkingRefs)
  const linksOf = Map.groupBy(await findLinksFrom(access, [...linkingByKey.values()]), ({ consumedRef }) =>
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
