import type { RecordMetadata } from '@spanlink/api-schema'
import { findDeliveries, findMessageOrigins } from '../deliveries/find-deliveries.ts'
import { type Delivery, isSameMessage, isSameOrUnknown } from '../deliveries/delivery.ts'
import { addProcessingSpans } from '../deliveries/processing-spans.ts'
import { toConsumerId, type MessageListRequest } from '../message-list.ts'
import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import { keyBySpan } from '../messaging-spans/find-messaging-spans.ts'
import { keepInnermost, type MessagingSpan } from '../messaging-spans/messaging-span.ts'
import { findForwardingConsumers } from './forwarding-consumers.ts'
import { isRetryOrDeadLetterTopic } from './topic-roles.ts'

/** Maximum number of topics that a chain is followed through. */
const MAX_HOPS = 16

export type Attempt = { readonly end: MessagingSpan; readonly producer: MessagingSpan | undefined }

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
  const tried = attempts.flatMap((attempt) => [attempt.end.topic, attempt.producer?.topic ?? ''])
  return new Set([send.topic, producer?.topic ?? '', record.topic, ...tried])
}

/**
 * Follows each send back to the consumer that made it, to the message it consumed, to the consumer
 * that sent that one, and so on, up to a topic that is neither retry nor dead letter. Each step
 * handles all sends together.
 */
export async function buildRetryChains(
  request: Pick<MessageListRequest, 'store' | 'traces' | 'options'>,
  sends: readonly MessagingSpan[],
): Promise<RetryChain[]> {
  const { store, traces, options } = request
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
    const around = await findForwardingConsumers(
      request,
      open.map(({ sent }) => sent),
    )
    const origins = await findMessageOrigins(store, [...around.values()], options, traces)
    const producers = new Map(
      origins.flatMap((one) => (one.producer ? [[toRefKey(one.producer), one.producer] as const] : [])),
    )
    const received = await findDeliveries(store, [...producers.values()], options, traces)
    const deliveries = await addProcessingSpans(store, received, options, traces)
    for (const { chain, sent } of open) {
      const consumer = around.get(toSpanKey(sent))
      chain.at = undefined
      if (consumer === undefined) continue
      const taken = origins.filter(
        (one) => toSpanKey(one.consumedRef) === toSpanKey(consumer) && one.producer !== undefined,
      )
      const [origin, ...others] = taken
      // A batch does not show which of its messages was forwarded.
      if (origin?.producer === undefined || others.length > 0) {
        chain.attempts.unshift({ end: consumer, producer: undefined })
        const { topic, ...record } = taken.length === 0 ? toRecord(consumer) : selectCommon(taken, consumer)
        chain.record = { ...record, topic: topic || chain.record.topic }
        continue
      }
      const { producer } = origin
      const { attempts, all } = selectAttempts(sent, origin.consumed ?? consumer, origin, deliveries)
      chain.attempts.unshift(...attempts.map((end) => ({ end, producer })))
      chain.consumers.push(...all)
      chain.record = {
        cluster: origin.cluster,
        topic: origin.topic || chain.record.topic,
        partition: origin.partition || attempts[0]?.partition || '',
        offset: origin.offset || attempts[0]?.offset || '',
        key: origin.key,
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
  around: MessagingSpan,
  origin: Delivery,
  deliveries: readonly Delivery[],
): { readonly attempts: readonly MessagingSpan[]; readonly all: readonly MessagingSpan[] } {
  const same = deliveries
    .filter((one) => toRefKey(one.producerRef) === toRefKey(origin.producerRef))
    // One send span may carry several records.
    .filter((one) => isSameMessage(one, origin) && isSameOrUnknown(one.cluster, origin.cluster))
    .flatMap(({ consumed }) => consumed ?? [])
    .filter((end) => toConsumerId(end) === toConsumerId(around))
    .sort((a, b) => (a.start < b.start ? -1 : 1))
  // A forwarded record keeps its context, so kotel makes the send a child of `receive`. The attempt
  // is the `process` span beside it.
  const beside = same.findLast((end) => end.operation === 'process' && end.start <= sent.start)
  const last = around.operation === 'receive' ? (beside ?? around) : around
  const tries = keepInnermost(same.filter((end) => end.operation === last.operation && end.start <= last.start))
  const distinct = (ends: readonly MessagingSpan[]): MessagingSpan[] => [...keyBySpan(ends).values()]
  return { attempts: distinct([...tries, last]), all: distinct([...same, around]) }
}
