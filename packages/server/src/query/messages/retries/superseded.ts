import { findDeliveries, findIncomingDeliveries } from '../deliveries/find-deliveries.ts'
import { findForwardingConsumers, findSpansInside } from './forwarding-consumers.ts'
import type { RetryChain } from './retry-chains.ts'
import { addProcessingSpans } from '../deliveries/processing-spans.ts'
import type { MessageListRequest } from '../message-list.ts'
import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import { comparePositions, isProducing, type MessagingSpan, toSpanPosition } from '../messaging-spans/messaging-span.ts'
import { isRetryTopic } from './topic-roles.ts'

/** A send to a retry topic, with the consumers of that message. */
export type ResolvedRetryChain = RetryChain & {
  readonly sendConsumers: readonly MessagingSpan[]
  /**
   * The same consumers sent the message to a retry topic again, later; the later chain includes
   * this one.
   */
  readonly isSuperseded: boolean
}

/** Evaluated per send, so that the result does not depend on the page. */
export async function markSuperseded(
  { lookup, window }: MessageListRequest,
  chains: readonly RetryChain[],
): Promise<ResolvedRetryChain[]> {
  const sends = chains.map(({ send }) => send)
  const deliveries = await addProcessingSpans(lookup, await findDeliveries(lookup, sends))
  const deliveriesOf = Map.groupBy(deliveries, ({ producerRef }) => toRefKey(producerRef))
  const withConsumers = chains.map((chain) => ({
    ...chain,
    sendConsumers: (deliveriesOf.get(toRefKey(chain.send)) ?? []).flatMap(({ consumed }) => consumed ?? []),
  }))
  const consumers = withConsumers.flatMap((chain) => [...chain.consumers, ...chain.sendConsumers])
  // Another service may have sent the message again, over a link to the consumer or a span inside.
  const targets = [...consumers, ...(await findSpansInside(lookup, consumers))]
  const links = await lookup.linksTo(targets)
  const rows = await lookup.spansOf([...consumers, ...links.map((link) => link.consumedRef)])
  const resent = rows
    .filter((span) => isProducing(span) && isRetryTopic(span.topic))
    .filter(({ start }) => start < window.end)
  const forwardingConsumers = await findForwardingConsumers(lookup, resent)
  const resentIn = Map.groupBy(resent, (send) => {
    const consumer = forwardingConsumers.get(toSpanKey(send))
    return consumer === undefined ? '' : toSpanKey(consumer)
  })
  const resending = consumers.filter((consumer) => resentIn.has(toSpanKey(consumer)))
  // A batch does not show which of its messages was sent again.
  const incoming = await findIncomingDeliveries(lookup, resending)
  const incomingOf = Map.groupBy(incoming, ({ consumedRef }) => toSpanKey(consumedRef))
  return withConsumers.map((chain) => ({
    ...chain,
    isSuperseded: [...chain.consumers, ...chain.sendConsumers]
      .filter((consumer) => incomingOf.get(toSpanKey(consumer))?.length === 1)
      .flatMap((consumer) => resentIn.get(toSpanKey(consumer)) ?? [])
      .some((later) => comparePositions(toSpanPosition(later), toSpanPosition(chain.send)) < 0),
  }))
}
