import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import type { SpanLookup } from '../messaging-spans/span-lookup.ts'
import type { MessagingSpan } from '../messaging-spans/messaging-span.ts'

type Send = Pick<MessagingSpan, 'kind' | 'status' | 'topic'>

/**
 * Finds which of these producers only enclose or prepare the send of another span, by `toSpanKey`:
 * Spring's observation around the Java agent's span, or the `create` span of an outbox. They are no
 * messages of their own unless a consumer took their context.
 */
export async function findOuterSends(
  lookup: SpanLookup,
  producers: readonly MessagingSpan[],
): Promise<ReadonlySet<string>> {
  if (producers.length === 0) return new Set()
  const [children, links] = await Promise.all([lookup.producingChildren(producers), lookup.linksTo(producers)])
  const linkingRefs = links.map(({ consumedRef }) => consumedRef).filter(({ kind }) => kind === 'producer')
  const linkingByKey = await lookup.spansByIdentity(linkingRefs)
  const linksOf = Map.groupBy(await lookup.linksFrom([...linkingByKey.values()]), ({ consumedRef }) =>
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
