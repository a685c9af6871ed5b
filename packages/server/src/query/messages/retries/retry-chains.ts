import type { RecordMetadata } from '@spanlink/api-schema'
import { findDeliveries, findIncomingDeliveries } from '../deliveries/find-deliveries.ts'
import { type Delivery, listProducers } from '../deliveries/delivery.ts'
import { addProcessingSpans } from '../deliveries/processing-spans.ts'
import { isSameRecord } from '../../records/record-metadata.ts'
import { toConsumerId } from '../message-list.ts'
import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import { keyBySpan } from '../messaging-spans/find-messaging-spans.ts'
import { type Attempt, keepInnermost, type MessagingSpan } from '../messaging-spans/messaging-span.ts'
import { findForwardingConsumers } from './forwarding-consumers.ts'
import { isRetryOrDeadLetterTopic } from './topic-roles.ts'
import type { SpanLookup } from '../messaging-spans/span-lookup.ts'

/** Maximum number of topics that a chain is followed through. */
const MAX_HOPS = 16

export type RetryChain = {
  readonly send: MessagingSpan
  /** The earliest send found; on a retry topic if the chain could not be followed further. */
  readonly producer: MessagingSpan | undefined
  /** Oldest first. */
  readonly attempts: readonly Attempt[]
  /** All deliveries to the consumers of the attempts, including later ones. */
  readonly consumers: readonly MessagingSpan[]
  /** Record of the first message that is known; `topic` is never empty. */
  readonly record: RecordMetadata
}

/** Lists the topics that a message was on: its own, retry topics and the dead-letter topic. */
export function listTopics({ send, producer, attempts, record }: RetryChain): ReadonlySet<string> {
  const tried = attempts.flatMap((attempt) => [attempt.consumer.topic, attempt.producer?.topic ?? ''])
  return new Set([send.topic, producer?.topic ?? '', record.topic, ...tried])
}

/**
 * Follows each send back to the consumer that made it, to the message it consumed, to the consumer
 * that sent that one, and so on, up to a topic that is neither retry nor dead letter. Each step
 * handles all sends together.
 */
export async function buildRetryChains(lookup: SpanLookup, sends: readonly MessagingSpan[]): Promise<RetryChain[]> {
  const chains = sends.map((send) => ({
    send,
    at: send as MessagingSpan | undefined,
    producer: undefined as MessagingSpan | undefined,
    attempts: [] as Attempt[],
    consumers: [] as MessagingSpan[],
    record: toRecord(send),
  }))
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    const open = chains.flatMap((chain) => (chain.at === undefined ? [] : [{ chain, sent: chain.at }]))
    if (open.length === 0) break
    const forwardingConsumers = await findForwardingConsumers(
      lookup,
      open.map(({ sent }) => sent),
    )
    const incoming = await findIncomingDeliveries(lookup, [...forwardingConsumers.values()])
    const outgoing = await findDeliveries(lookup, listProducers(incoming))
    const deliveries = await addProcessingSpans(lookup, outgoing)
    for (const { chain, sent } of open) {
      const consumer = forwardingConsumers.get(toSpanKey(sent))
      chain.at = undefined
      if (consumer === undefined) continue
      const received = incoming.filter(
        (one) => toSpanKey(one.consumedRef) === toSpanKey(consumer) && one.producer !== undefined,
      )
      const [delivery, ...others] = received
      // A batch does not show which of its messages was forwarded.
      if (delivery?.producer === undefined || others.length > 0) {
        chain.attempts.unshift({ consumer, producer: undefined })
        const { topic, ...record } = received.length === 0 ? toRecord(consumer) : selectCommon(received, consumer)
        chain.record = { ...record, topic: topic || chain.record.topic }
        continue
      }
      const { producer } = delivery
      const { attempts, all } = selectAttempts(sent, delivery.consumed ?? consumer, delivery, deliveries)
      chain.attempts.unshift(...attempts.map((attempt) => ({ consumer: attempt, producer })))
      chain.consumers.push(...all)
      chain.record = {
        cluster: delivery.cluster,
        topic: delivery.topic || chain.record.topic,
        partition: delivery.partition || attempts[0]?.partition || '',
        offset: delivery.offset || attempts[0]?.offset || '',
        key: delivery.key,
      }
      chain.producer = producer
      if (isRetryOrDeadLetterTopic(producer.topic)) chain.at = producer
    }
  }
  return chains
}

function toRecord({ cluster, topic, partition, offset }: MessagingSpan): RecordMetadata {
  return { cluster, topic, partition, offset, key: '' }
}

/** The record metadata that all messages of a batch share. */
function selectCommon(batch: readonly Delivery[], { cluster }: MessagingSpan): RecordMetadata {
  const common = (field: 'topic' | 'partition'): string => {
    const [value = '', ...others] = new Set(batch.map((one) => one[field]))
    return others.length === 0 ? value : ''
  }
  return { cluster, topic: common('topic'), partition: common('partition'), offset: '', key: '' }
}

/**
 * Selects one consumer's attempts at a message until it forwarded the message, and all deliveries
 * to that consumer.
 */
function selectAttempts(
  sent: MessagingSpan,
  consumer: MessagingSpan,
  delivery: Delivery,
  deliveries: readonly Delivery[],
): { readonly attempts: readonly MessagingSpan[]; readonly all: readonly MessagingSpan[] } {
  const same = deliveries
    .filter((one) => toRefKey(one.producerRef) === toRefKey(delivery.producerRef))
    // One send span may carry several records.
    .filter((one) => isSameRecord(one, delivery))
    .flatMap(({ consumed }) => consumed ?? [])
    .filter((span) => toConsumerId(span) === toConsumerId(consumer))
    .sort((a, b) => (a.start < b.start ? -1 : 1))
  // A forwarded record keeps its context, so kotel makes the send a child of `receive`. The attempt
  // is the `process` span beside it.
  const processing = same.findLast((span) => span.operation === 'process' && span.start <= sent.start)
  const last = consumer.operation === 'receive' ? (processing ?? consumer) : consumer
  const tries = keepInnermost(same.filter((span) => span.operation === last.operation && span.start <= last.start))
  const distinct = (spans: readonly MessagingSpan[]): MessagingSpan[] => [...keyBySpan(spans).values()]
  return { attempts: distinct([...tries, last]), all: distinct([...same, consumer]) }
}
