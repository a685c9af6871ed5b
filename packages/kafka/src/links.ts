import type { Attributes, Link, Span, SpanContext } from '@opentelemetry/api'
import { keyText } from './message-key.ts'
import { offsetNumber, partitionId } from './source.ts'
import { placeOf } from './delivered.ts'
import type { PreparedSource, ReceivedMessage } from './source.ts'
import type { Tracing } from './tracing.ts'

/** What tells a message from the others of its partition. */
export interface MessageDetails {
  readonly offset: number | undefined
  readonly key: string | undefined
}

export function messageDetails({ options }: Tracing, source: PreparedSource, message: ReceivedMessage): MessageDetails {
  const topic = message.topic ?? source.topic ?? placeOf(message).topic ?? ''
  return { offset: offsetNumber(message.offset), key: keyText(message.key, topic, options.messageKey) }
}

/**
 * The attributes of a link to a message's creation context. Topic, partition, offset and key are always on it: a backend that shows
 * a link from its other end has no other way to say which message it was. Where the source doesn't say, as a poll may bring
 * several topics and partitions, the message does, or the source it was delivered from.
 */
export function messageLinkAttributes(
  { names }: Tracing,
  { source, linkAttributes }: PreparedSource,
  message: ReceivedMessage,
  details: MessageDetails,
): Attributes {
  const attributes = { ...linkAttributes }
  const isPartial = source.topic === undefined || source.partition === undefined
  const { topic, partition } = isPartial ? placeOf(message) : message
  if (topic !== source.topic) names.put(attributes, 'destination', topic)
  if (partition !== source.partition) names.put(attributes, 'partition', partitionId(partition))
  names.put(attributes, 'offset', details.offset)
  names.put(attributes, 'key', details.key)
  return attributes
}

/** The links of a batch, whose attributes are made when the first recording span asks for them. */
export interface BatchLinks {
  /** How many producers there are. A batch that isn't recorded need not ask, and then only those that its spans start with are told apart. */
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
  const { producers, read } = producersOf(messages, contexts)
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
    get length() {
      read(Number.POSITIVE_INFINITY)
      return producers.length
    },
    slice(from, count) {
      const isBare = tracing.laterLinks.isPossible
      // How many messages a producer has is part of a whole link.
      read(isBare ? from + count : Number.POSITIVE_INFINITY)
      const some = producers.slice(from, from + count)
      return isBare ? some.map(bareLink) : some.map(wholeLink)
    },
    describe(span, from, count) {
      read(Number.POSITIVE_INFINITY)
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

function bareLink({ context }: Producer): Link {
  return { context }
}

/** The producers found so far, and what reads on until there are `enough` of them. */
interface FoundProducers {
  readonly producers: readonly Producer[]
  read(enough: number): void
}

function producersOf(
  messages: readonly ReceivedMessage[],
  contexts: readonly (SpanContext | undefined)[],
): FoundProducers {
  const producers: Producer[] = []
  // Span ids are random, so this one is looked up, and the rare other trace with the same id is told apart by a search.
  const bySpan = new Map<string, Producer>()
  let next = 0
  return {
    producers,
    read(enough) {
      for (; next < messages.length && producers.length < enough; next += 1) {
        const context = contexts[next]
        if (context === undefined) continue
        let known = bySpan.get(context.spanId)
        if (known !== undefined && known.context.traceId !== context.traceId) {
          known = producers.find(
            ({ context: { spanId, traceId } }) => spanId === context.spanId && traceId === context.traceId,
          )
        }
        if (known !== undefined) {
          known.count += 1
          continue
        }
        const producer = { context, first: messages[next]!, count: 1 }
        producers.push(producer)
        if (!bySpan.has(context.spanId)) bySpan.set(context.spanId, producer)
      }
    },
  }
}
