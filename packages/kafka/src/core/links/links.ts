import type { Attributes, Link, Span, SpanContext } from '@opentelemetry/api'
import { formatKey } from '../propagation/message-key.ts'
import { parseOffset, formatPartition, type PreparedSource, type ReceivedMessage } from '../source.ts'
import { getTopicPartition } from '../propagation/message-origin.ts'
import type { Tracing } from '../span/tracing.ts'

/** The fields that identify a message in its partition. */
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
 * Creates the attributes of a link to a message's creation context: topic, partition, offset and
 * key, which identify the message for a backend that shows the link from its target. Polls may span
 * topics: the message's origin fills in what the source lacks.
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

/** The links of a batch; attributes are created when the first recording span needs them. */
export interface BatchLinks {
  /** The number of messages with a creation context. */
  readonly length: number
  /** Returns `count` links from index `from`; bare if attributes can be added later. */
  slice(from: number, count: number): Link[]
  /** Completes the links that a recording span started with: `slice(from, count)`. */
  complete(span: Span, from: number, count: number): void
}

/**
 * Creates one link per message with a creation context, in order. Messages of one producer span
 * (`sendSpans: 'perCall'`) get a link each, so that each keeps its offset and key.
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
  // Receive and process span share their links' attributes.
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
