import { deliveriesOf, originsOf } from '../deliveries/find-deliveries.ts'
import { consumersAround, type Chain } from './retry-chains.ts'
import { withHandovers } from '../deliveries/processing-spans.ts'
import { comparePlaces, type ListQuestion } from '../message-list.ts'
import { keyOf, type MessageEnd, type Place } from '../endpoints/message-endpoint.ts'
import { isRetryTopic } from './topic-roles.ts'
import { endOf } from './trace-cache.ts'

/** A send to a retry topic, with who took it there. */
export type RetryChain = Chain & {
  readonly taken: readonly MessageEnd[]
  /**
   * The same consumers sent the message to a retry topic again, later: that send tells this one
   * too.
   */
  readonly isSuperseded: boolean
}

/** Looked up for each send by itself, so that it doesn't matter which page it is on. */
export async function withLaterRetries(question: ListQuestion, chains: readonly Chain[]): Promise<RetryChain[]> {
  const { store, traces, options, window } = question
  const sends = chains.map(({ send }) => send)
  const deliveries = await withHandovers(store, await deliveriesOf(store, sends, options, traces), options, traces)
  const takenOf = Map.groupBy(deliveries, ({ producerRef }) => keyOf(producerRef))
  const withTaken = chains.map((chain) => ({
    ...chain,
    taken: (takenOf.get(keyOf(chain.send)) ?? []).flatMap(({ consumed }) => consumed ?? []),
  }))
  const rows = await traces.spansOf(
    withTaken.flatMap(({ consumers, taken }) => [...consumers, ...taken].map((end) => end.traceId)),
  )
  const resent = rows
    .filter(({ operation, topic }) => (operation === 'create' || operation === 'send') && isRetryTopic(topic))
    .filter(({ start, topic }) => start < window.end && topic.startsWith(question.topic ?? ''))
    .map(endOf)
  const around = await consumersAround(traces, resent)
  const resentIn = Map.groupBy(resent, (end) => {
    const consumer = around.get(keyOf(end))
    return consumer === undefined ? '' : keyOf(consumer)
  })
  const resending = withTaken
    .flatMap(({ consumers, taken }) => [...consumers, ...taken])
    .filter((end) => resentIn.has(keyOf(end)))
  // Of what a batch sent on nobody knows which message it was.
  const origins = Map.groupBy(await originsOf(store, resending, options, traces), ({ consumedRef }) =>
    keyOf(consumedRef),
  )
  return withTaken.map((chain) => ({
    ...chain,
    isSuperseded: [...chain.consumers, ...chain.taken]
      .filter((end) => origins.get(keyOf(end))?.length === 1)
      .flatMap((end) => resentIn.get(keyOf(end)) ?? [])
      .some((later) => comparePlaces(toPlace(later), toPlace(chain.send)) < 0),
  }))
}

function toPlace({ start, traceId, spanId }: MessageEnd): Place {
  return { time: start, traceId, spanId }
}
