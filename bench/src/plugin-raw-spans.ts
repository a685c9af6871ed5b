import { ROOT_CONTEXT, SpanKind, context, defaultTextMapSetter, propagation, trace } from '@opentelemetry/api'
import type { Link, Span, Tracer } from '@opentelemetry/api'
import type { KafkaMessage, Message } from 'kafkajs'

// The cost of the SDK alone: the same spans, attributes, links, headers and contexts as ours
// through the bare API, with all constants precomputed. It is a lower bound for any instrumentation
// that creates these spans.

const COMMON = {
  'messaging.system.name': 'kafka',
  'messaging.destination.name': 'orders',
  'messaging.client.id': 'bench',
}
const SEND = { ...COMMON, 'messaging.operation.name': 'send', 'messaging.operation.type': 'send' }
const CONSUMER = { ...COMMON, 'messaging.destination.partition.id': '0', 'messaging.consumer.group.name': 'g' }
const PROCESS = { ...CONSUMER, 'messaging.operation.name': 'process', 'messaging.operation.type': 'process' }
const POLL = { ...CONSUMER, 'messaging.operation.name': 'poll', 'messaging.operation.type': 'receive' }
const LINK_LIMIT = 128

const getter = {
  keys: (headers: Record<string, Buffer>) => Object.keys(headers),
  get: (headers: Record<string, Buffer>, key: string) => headers[key]?.toString(),
}

export function rawSend(
  tracer: Tracer,
  message: Message,
  send: (message: Message) => Promise<unknown>,
): Promise<unknown> {
  const ambient = context.active()
  const span = tracer.startSpan('send orders', { kind: SpanKind.PRODUCER, attributes: SEND }, ambient)
  const within = trace.setSpan(ambient, span)
  if (span.isRecording()) span.setAttribute('kafka.message.key', String(message.key))
  const headers = {}
  propagation.inject(within, headers, defaultTextMapSetter)
  return context.with(within, send, undefined, { ...message, headers }).then((result) => {
    if (span.isRecording()) span.setAttributes({ 'kafka.offset': 42, 'messaging.destination.partition.id': '0' })
    span.end()
    return result
  })
}

export function rawProcess(tracer: Tracer, message: KafkaMessage, handle: () => Promise<void>): Promise<void> {
  const ambient = context.active()
  const extracted = propagation.extract(ambient, message.headers as Record<string, Buffer>, getter)
  const links = [linkTo(extracted, message)]
  const span = tracer.startSpan('process orders', { kind: SpanKind.CONSUMER, attributes: PROCESS, links }, ambient)
  if (span.isRecording())
    span.setAttributes({ 'kafka.offset': Number(message.offset), 'kafka.message.key': String(message.key) })
  return endAfter(span, context.with(trace.setSpan(extracted, span), handle))
}

export function rawBatch(
  tracer: Tracer,
  messages: readonly KafkaMessage[],
  handle: () => Promise<void>,
): Promise<void> {
  const ambient = context.active()
  const links = messages.map((message) =>
    linkTo(propagation.extract(ROOT_CONTEXT, message.headers as Record<string, Buffer>, getter), message),
  )
  const of = (attributes: typeof POLL | typeof PROCESS, kind: SpanKind, from: number) => ({
    kind,
    attributes: { ...attributes, 'messaging.batch.message_count': messages.length },
    links: links.slice(from, from + LINK_LIMIT),
  })
  const poll = tracer.startSpan('poll orders', of(POLL, SpanKind.CLIENT, 0), ambient)
  const within = trace.setSpan(ambient, poll)
  for (let from = LINK_LIMIT; poll.isRecording() && from < links.length; from += LINK_LIMIT) {
    tracer.startSpan('poll orders', of(POLL, SpanKind.CLIENT, from), within).end()
  }
  poll.end()
  const span = tracer.startSpan('process orders', of(PROCESS, SpanKind.CONSUMER, 0), within)
  return endAfter(span, context.with(trace.setSpan(ambient, span), handle))
}

function linkTo(extracted: ReturnType<typeof context.active>, message: KafkaMessage): Link {
  return {
    context: trace.getSpanContext(extracted)!,
    attributes: {
      'messaging.destination.name': 'orders',
      'messaging.destination.partition.id': '0',
      'kafka.offset': Number(message.offset),
      'kafka.message.key': String(message.key),
    },
  }
}

function endAfter(span: Span, done: Promise<void>): Promise<void> {
  return done.then(() => span.end())
}
