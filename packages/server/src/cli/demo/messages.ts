import type { Attributes, DemoLog, DemoSpan, SpanContext, SpanKind, SpanLink } from './otlp.ts'
import { createId, type Random } from './random.ts'

/** A message in a topic, with the context of its send span. */
export type Message = SpanContext & {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string
  /** When the send ended, in milliseconds since the epoch. */
  readonly sentMs: number
}

export type Period = { readonly startMs: number; readonly endMs: number }

/** Kafka as the services of the demo see it: spans and logs as the plugin records them. */
export type Recorder = {
  readonly random: Random
  readonly span: (span: Omit<DemoSpan, 'spanId' | 'traceId'> & { readonly traceId?: string }) => SpanContext
  readonly log: (log: DemoLog) => void
  /** A span below another one. */
  readonly child: (parent: SpanContext, span: Omit<DemoSpan, 'spanId' | 'traceId' | 'parentSpanId'>) => SpanContext
  readonly send: (service: string, parent: SpanContext, topic: string, key: string, at: Period) => Message
  readonly process: (message: Message, options: ProcessOptions) => SpanContext
  readonly processBatch: (messages: readonly [Message, ...Message[]], options: ProcessOptions) => SpanContext
}

export type ProcessOptions = Period & {
  readonly service: string
  readonly group: string
  readonly error?: string | undefined
}

const PARTITIONS = 3

export function createRecorder(
  random: Random,
  record: (item: { readonly span: DemoSpan } | { readonly log: DemoLog }) => void,
): Recorder {
  const offsets = new Map<string, number>()
  const nextOffset = (topic: string, partition: number): number => {
    const name = `${topic}-${partition}`
    const offset = offsets.get(name) ?? random.integer(1000, 90_000)
    offsets.set(name, offset + 1)
    return offset
  }
  const span: Recorder['span'] = ({ traceId = createId(16), ...rest }) => {
    const context = { traceId, spanId: createId(8) }
    record({ span: { ...rest, ...context } })
    return context
  }
  const child: Recorder['child'] = ({ traceId, spanId }, rest) => span({ ...rest, traceId, parentSpanId: spanId })
  const consume = (
    messages: readonly [Message, ...Message[]],
    { service, group, error, startMs, endMs }: ProcessOptions,
    attributes: Attributes,
  ): SpanContext =>
    span({
      service,
      name: `process ${messages[0].topic}`,
      kind: 'consumer',
      startMs,
      endMs,
      error,
      attributes: {
        ...describeOperation(service, 'process', messages[0].topic),
        'messaging.consumer.group.name': group,
        ...attributes,
      },
      links: messages.map(toLink),
    })

  return {
    random,
    span,
    child,
    log: (log) => record({ log }),
    send: (service, parent, topic, key, { startMs, endMs }) => {
      const partition = hash(key) % PARTITIONS
      const position = { partition, offset: nextOffset(topic, partition), key }
      const kind: SpanKind = 'producer'
      const attributes = { ...describeOperation(service, 'send', topic), ...describePosition(position) }
      const context = child(parent, { service, name: `send ${topic}`, kind, startMs, endMs, attributes })
      return { ...context, ...position, topic, sentMs: endMs }
    },
    process: (message, options) => consume([message], options, describePosition(message)),
    processBatch: (messages, options) =>
      consume(messages, options, { 'messaging.batch.message_count': messages.length }),
  }
}

function describeOperation(service: string, operation: 'send' | 'process', topic: string): Attributes {
  return {
    'messaging.system.name': 'kafka',
    'messaging.operation.name': operation,
    'messaging.operation.type': operation,
    'messaging.destination.name': topic,
    'messaging.client.id': service,
  }
}

type Position = Pick<Message, 'partition' | 'offset' | 'key'>

function describePosition({ partition, offset, key }: Position): Attributes {
  return {
    'messaging.destination.partition.id': String(partition),
    'kafka.offset': offset,
    'kafka.message.key': key,
  }
}

function toLink({ traceId, spanId, topic, ...position }: Message): SpanLink {
  return { traceId, spanId, attributes: { 'messaging.destination.name': topic, ...describePosition(position) } }
}

function hash(text: string): number {
  let value = 0
  for (const char of text) value = (value * 31 + (char.codePointAt(0) ?? 0)) >>> 0
  return value
}
