import type { Attributes, Link, Span, SpanContext } from '@opentelemetry/api'
import { keyText } from './message-key.ts'
import { offsetNumber, partitionId } from './source.ts'
import type { PreparedSource, ReceivedMessage } from './source.ts'
import type { Tracing } from './tracing.ts'

/** What tells a message from the others of its partition. */
export interface MessageDetails {
  readonly offset: number | undefined
  readonly key: string | undefined
}

export function messageDetails({ options }: Tracing, source: PreparedSource, message: ReceivedMessage): MessageDetails {
  const topic = message.topic ?? source.topic ?? ''
  return { offset: offsetNumber(message.offset), key: keyText(message.key, topic, options.messageKey) }
}

/**
 * The attributes of a link to a message's creation context. Topic, partition, offset and key are always on it: a backend that shows
 * a link from its other end has no other way to say which message it was. A message that says where
 * it is from goes before the source: a poll may bring several topics and partitions.
 */
export function messageLinkAttributes(
  { names }: Tracing,
  { source, linkAttributes }: PreparedSource,
  { topic, partition }: ReceivedMessage,
  details: MessageDetails,
): Attributes {
  const attributes = { ...linkAttributes }
  if (topic !== source.topic) names.put(attributes, 'destination', topic)
  if (partition !== source.partition) names.put(attributes, 'partition', partitionId(partition))
  names.put(attributes, 'offset', details.offset)
  names.put(attributes, 'key', details.key)
  return attributes
}

/** The links of a batch, whose attributes are made when the first recording span asks for them. */
export interface BatchLinks {
  readonly length: number
  /** `count` links from `from` on; bare while spans may be given the attributes later. */
  slice(from: number, count: number): Link[]
  /** Completes the links that a recording span started with, which were `slice(from, count)`. */
  describe(span: Span, from: number, count: number): void
}

/**
 * One link per producer span of a batch, in the messages' order. Messages of one producer span (`sendSpans: 'perCall'`) share
 * a link with the first one's offset and key, and `messaging.batch.message_count` says how many they are.
 */
export function batchLinks(
  tracing: Tracing,
  source: PreparedSource,
  messages: readonly ReceivedMessage[],
  contexts: readonly (SpanContext | undefined)[],
): BatchLinks {
  const producers = producersOf(messages, contexts)
  const described = new Map<Producer, Attributes>()
  const attributesOf = (producer: Producer): Attributes => {
    let attributes = described.get(producer)
    if (attributes === undefined) {
      const { first } = producer
      attributes = messageLinkAttributes(tracing, source, first, messageDetails(tracing, source, first))
      if (producer.count > 1) tracing.names.put(attributes, 'messageCount', producer.count)
      described.set(producer, attributes)
    }
    return attributes
  }
  const wholeLink = (producer: Producer): Link => ({ context: producer.context, attributes: attributesOf(producer) })
  return {
    length: producers.length,
    slice(from, count) {
      const some = producers.slice(from, from + count)
      return tracing.laterLinks.isPossible ? some.map(({ context }) => ({ context })) : some.map(wholeLink)
    },
    describe(span, from, count) {
      const some = Math.min(count, producers.length - from)
      tracing.laterLinks.describe(span, some, (i) => wholeLink(producers[from + i]!))
    },
  }
}

interface Producer {
  readonly context: SpanContext
  readonly first: ReceivedMessage
  count: number
}

function producersOf(messages: readonly ReceivedMessage[], contexts: readonly (SpanContext | undefined)[]): Producer[] {
  const producers: Producer[] = []
  // Span ids are random, so this one is looked up, and the rare other trace with the same id is told apart by a search.
  const bySpan = new Map<string, Producer>()
  for (let i = 0; i < messages.length; i += 1) {
    const context = contexts[i]
    if (context === undefined) continue
    let known = bySpan.get(context.spanId)
    if (known !== undefined && known.context.traceId !== context.traceId) {
      known = producers.find((one) => one.context.spanId === context.spanId && one.context.traceId === context.traceId)
    }
    if (known !== undefined) {
      known.count += 1
      continue
    }
    const producer = { context, first: messages[i]!, count: 1 }
    producers.push(producer)
    if (!bySpan.has(context.spanId)) bySpan.set(context.spanId, producer)
  }
  return producers
}
