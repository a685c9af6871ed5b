import type { SpanRef } from '../../links/linked-span.ts'
import type { MessageEndpoint } from '../endpoints/message-endpoint.ts'

/**
 * One message on its way: what producer it and what took it, either of them missing while it isn't
 * here.
 */
export type Delivery = {
  readonly producerRef: SpanRef
  readonly consumedRef: SpanRef
  readonly producer: MessageEndpoint | undefined
  readonly consumed: MessageEndpoint | undefined
  /** Of the link, which tells the messages of a batch apart; else of the spans. */
  readonly topic: string
  readonly partition: string
  readonly offset: string
  /** Of the link alone; the rest is read with the page. */
  readonly cluster: string
  readonly key: string
}

export type MessageLink = Omit<Delivery, 'producer' | 'consumed'>

/** Whether two spans or links can be about one message, by what both of them name. */
export function isSameMessage(
  a: Pick<Delivery, 'topic' | 'partition' | 'offset'>,
  b: Pick<Delivery, 'topic' | 'partition' | 'offset'>,
): boolean {
  return (
    isSameOrUnknown(a.topic, b.topic) &&
    isSameOrUnknown(a.partition, b.partition) &&
    isSameOrUnknown(a.offset, b.offset)
  )
}

export function isSameOrUnknown(a: string, b: string): boolean {
  return a === '' || b === '' || a === b
}

/** The delivery as the inner span has it, which names of the message less than the outer one. */
export function toInnerDelivery(delivery: Delivery, outer: MessageEndpoint, inner: MessageEndpoint): Delivery {
  return {
    ...delivery,
    consumedRef: { traceId: inner.traceId, spanId: inner.spanId },
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
