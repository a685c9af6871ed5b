import { findDeliveries, findMessageOrigins } from '../deliveries/find-deliveries.ts'
import { findForwardingConsumers, findSpansInside } from './forwarding-consumers.ts'
import type { RetryChain } from './retry-chains.ts'
import { findMessageLinks } from '../deliveries/message-links.ts'
import { addProcessingSpans } from '../deliveries/processing-spans.ts'
import { comparePositions, type MessageListRequest } from '../message-list.ts'
import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import type { MessagingSpan, MessagePosition } from '../messaging-spans/messaging-span.ts'
import { isRetryTopic } from './topic-roles.ts'
import { fromFlowSpanRow } from './trace-cache.ts'

/** A send to a retry topic, with the consumers of that message. */
export type ResolvedRetryChain = RetryChain & {
  readonly taken: readonly MessagingSpan[]
  /**
   * The same consumers sent the message to a retry topic again, later; the later chain includes
   * this one.
   */
  readonly isSuperseded: boolean
}

/** Evaluated per send, so that the result does not depend on the page. */
export async function markSuperseded(
  request: MessageListRequest,
  chains: readonly RetryChain[],
): Promise<ResolvedRetryChain[]> {
  const { store, traces, options, window } = request
  const sends = chains.map(({ send }) => send)
  const deliveries = await addProcessingSpans(
    store,
    await findDeliveries(store, sends, options, traces),
    options,
    traces,
  )
  const takenOf = Map.groupBy(deliveries, ({ producerRef }) => toRefKey(producerRef))
  const withTaken = chains.map((chain) => ({
    ...chain,
    taken: (takenOf.get(toRefKey(chain.send)) ?? []).flatMap(({ consumed }) => consumed ?? []),
  }))
  const ends = withTaken.flatMap(({ consumers, taken }) => [...consumers, ...taken])
  // Another service may have sent the message again, over a link to the consumer or a span inside.
  const targets = [...ends, ...(await findSpansInside(traces, ends))]
  const links = await findMessageLinks(store, targets, 'in', options)
  const rows = await traces.spansOf([...ends, ...links.map((link) => link.consumedRef)].map(({ traceId }) => traceId))
  const resent = rows
    .filter(({ operation, topic }) => (operation === 'create' || operation === 'send') && isRetryTopic(topic))
    .filter(({ start }) => start < window.end)
    .map(fromFlowSpanRow)
  const around = await findForwardingConsumers(request, resent)
  const resentIn = Map.groupBy(resent, (end) => {
    const consumer = around.get(toSpanKey(end))
    return consumer === undefined ? '' : toSpanKey(consumer)
  })
  const resending = ends.filter((end) => resentIn.has(toSpanKey(end)))
  // A batch does not show which of its messages was sent again.
  const origins = Map.groupBy(await findMessageOrigins(store, resending, options, traces), ({ consumedRef }) =>
    toSpanKey(consumedRef),
  )
  return withTaken.map((chain) => ({
    ...chain,
    isSuperseded: [...chain.consumers, ...chain.taken]
      .filter((end) => origins.get(toSpanKey(end))?.length === 1)
      .flatMap((end) => resentIn.get(toSpanKey(end)) ?? [])
      .some((later) => comparePositions(toSendPosition(later), toSendPosition(chain.send)) < 0),
  }))
}

function toSendPosition({ start, traceId, spanId }: MessagingSpan): MessagePosition {
  return { time: start, traceId, spanId }
}
