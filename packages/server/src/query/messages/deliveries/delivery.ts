import type { RecordMetadata } from '@spanlink/api-schema'
import { selectIdentity, toRefKey, type SpanIdentity, type SpanRef } from '../../links/span-ref.ts'
import type { MessagingSpan } from '../messaging-spans/messaging-span.ts'

/** One message from its producer to one consumer; a span is undefined if it is not stored. */
export type Delivery = {
  readonly producerRef: SpanRef
  readonly consumedRef: SpanIdentity
  readonly producer: MessagingSpan | undefined
  readonly consumed: MessagingSpan | undefined
  /** The consuming span that handed the message over, if only that one points at the producer. */
  readonly outerRef?: SpanIdentity
  /** From the link, which distinguishes the messages of a batch; otherwise from the spans. */
  readonly topic: string
  readonly partition: string
  readonly offset: string
  /** From the link only; `addRecords` adds the spans' values for a page. */
  readonly cluster: string
  readonly key: string
  /** What the link names, without the spans' values. */
  readonly linked: Pick<Delivery, 'topic' | 'partition' | 'offset'>
}

export type ConsumedDelivery = Delivery & { readonly consumed: MessagingSpan }

export function isConsumed(one: Delivery): one is ConsumedDelivery {
  return one.consumed !== undefined
}

/** Lists the stored producers, one of those that share an id. */
export function listProducers(deliveries: readonly Delivery[]): MessagingSpan[] {
  const producers = deliveries.flatMap(({ producer }) => producer ?? [])
  return [...new Map(producers.map((producer) => [toRefKey(producer), producer])).values()]
}

export type RecordIdentity = Pick<RecordMetadata, 'cluster' | 'topic' | 'partition' | 'offset'>

/** What the link and the consumer name; not the producer's cluster and topic: a copy has others. */
export function toRecordIdentity({ linked, consumed, cluster, partition, offset }: ConsumedDelivery): RecordIdentity {
  return { cluster: cluster || consumed.cluster, topic: linked.topic || consumed.topic, partition, offset }
}

export type MessageLink = Omit<Delivery, 'producer' | 'consumed' | 'outerRef' | 'linked'>

/** The delivery to the inner span. Its missing fields come from the outer span and the delivery. */
export function toInnerDelivery(delivery: Delivery, outer: MessagingSpan, inner: MessagingSpan): Delivery {
  return {
    ...delivery,
    consumedRef: selectIdentity(inner),
    outerRef: selectIdentity(outer),
    consumed: {
      ...inner,
      group: inner.group || outer.group,
      topic: inner.topic || delivery.topic,
      partition: inner.partition || delivery.partition,
      offset: inner.offset || delivery.offset,
    },
    topic: delivery.topic || inner.topic,
    partition: delivery.partition || inner.partition,
    offset: delivery.offset || inner.offset,
  }
}
