import type { Attributes, Link, Span, SpanContext } from '@opentelemetry/api'
import { formatKey } from '../propagation/message-key.ts'
import { parseOffset, formatPartition } from '../source.ts'
import { getTopicPartition } from '../propagation/message-origin.ts'
import type { PreparedSource, ReceivedMessage } from '../source.ts'
import type { Tracing } from '../span/tracing.ts'

/** What tells a message from the others of its partition. */
export interface MessageDetails {
  readonly offset: number | undefined
  readonly key: string | undefined
}

export function readMessageDetails(
  { options }: Tracing,
  source: PreparedSource,
  message: ReceivedMessage,
): MessageDetails {
  const topic = message.topic ?? source.topic ?? getTopicPartition(message).topic ?? ''
  return { offset: parseOffset(message.offset), key: formatKey(message.key, topic, options.messageKey) }
}

/**
 * The attributes of a link to a message's creation context. Topic, partition, offset and key are
 * always on it: a backend that shows a link from its other end has no other way to say which
 * message it was. Where the source doesn't say, as a poll may bring several topics and partitions,
 * the message does, or the source it was delivered from.
 */
export function createLinkAttributes(
  { names }: Tracing,
  { source, linkAttributes }: PreparedSource,
  message: ReceivedMessage,
  details: MessageDetails,
): Attributes {
  const attributes = { ...linkAttributes }
  const isPartial = source.topic === undefined || source.partition === undefined
  const { topic, partition } = isPartial ? getTopicPartition(message) : message
  if (topic !== source.topic) names.put(attributes, 'destination', topic)
  if (partition !== source.partition) names.put(attributes, 'partition', formatPartition(partition))
  names.put(attributes, 'offset', details.offset)
  names.put(attributes, 'key', details.key)
  return attributes
}

/** The links of a batch, whose attributes are made when the first recording span needs them. */
export interface BatchLinks {
  /** How many messages of the batch have a creation context. */
  readonly length: number
  /** `count` links from `from` on; bare while spans may be given the attributes later. */
  slice(from: number, count: number): Link[]
  /** Completes the links that a recording span started with, which were `slice(from, count)`. */
  complete(span: Span, from: number, count: number): void
}

/**
 * One link per message with a creation context, in the messages' order. Messages of one producer
 * span (`sendSpans: 'perCall'`) have a link each, as with the Java agent: only so does each keep
 * its offset and key.
 */
export function createBatchLinks(
  tracing: Tracing,
  source: PreparedSource,
  messages: readonly ReceivedMessage[],
  contexts: readonly (SpanContext | undefined)[],
): BatchLinks {
  const linked: { readonly context: SpanContext; readonly message: ReceivedMessage }[] = []
  for (const [i, context] of contexts.entries()) {
    if (context !== undefined) linked.push({ context, message: messages[i]! })
  }
  // A receive span and a process span have the same links: their attributes are made once.
  const attributes: Attributes[] = []
  const createLink = (i: number): Link => {
    const { context, message } = linked[i]!
    attributes[i] ??= createLinkAttributes(tracing, source, message, readMessageDetails(tracing, source, message))
    return { context, attributes: attributes[i] }
  }
  return {
    length: linked.length,
    slice(from, count) {
      const isBare = tracing.deferredAttributes.isSupported
      return linked.slice(from, from + count).map(({ context }, i) => (isBare ? { context } : createLink(from + i)))
    },
    complete(span, from, count) {
      const linkCount = Math.min(count, linked.length - from)
      tracing.deferredAttributes.complete(span, linkCount, (i) => createLink(from + i))
    },
  }
}
