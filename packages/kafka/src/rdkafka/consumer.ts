import { context, trace, type Context, type Span } from '@opentelemetry/api'
import { setMessageOrigin } from '../core/propagation/message-origin.ts'
import { reportFailure } from '../core/diagnostics.ts'
import type { MessageSource } from '../core/source.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import type { ClientSettings } from './settings.ts'
import { createHandlerContext, createPartitionSources } from '../core/clients/consumer-sources.ts'
import { traceRdkafkaCommits } from './settle.ts'
import { interceptEvents } from './intercept-events.ts'
import type { RdkafkaCallback, RdkafkaConsumer, RdkafkaMessage } from './types.ts'
import { replaceMethod } from '../core/clients/override.ts'

/**
 * Traces polls: a receive span per batch of `consume(n, callback)`, or per message of a flowing
 * `consume()`, in whose context callbacks and `data` listeners run. Empty polls have none.
 */
export function traceRdkafkaConsumer(
  consumer: RdkafkaConsumer,
  instrumentation: Instrumentation,
  settings: ClientSettings,
  receiveSpans: boolean,
): void {
  const { consume } = consumer
  const received = createReceiver(instrumentation, settings, receiveSpans)
  const contexts = new WeakMap<object, Context>()
  let ambientOfFlow = (): Context => context.active()
  let polls = 0
  replaceMethod(consumer, 'consume', (...args) => {
    const [count, callback] = args
    if (count && typeof callback === 'function') {
      const ambient = received.excludeReceiveSpan(context.active())
      const startTime = Date.now()
      polls += 1
      return consume.call(consumer, count, (error: unknown, messages: unknown, ...others: readonly unknown[]) => {
        polls -= 1
        const within = error
          ? received.receiveError(error, ambient, startTime)
          : received.receive(messages, ambient, startTime)
        return context.with(within, callback as RdkafkaCallback, undefined, error, messages, ...others)
      })
    }
    ambientOfFlow = createHandlerContext(context.active())
    const flowing = typeof count === 'function' ? count : callback
    if (count && typeof count === 'number') return consume.apply(consumer, args)
    if (typeof flowing !== 'function') return consume.apply(consumer, args)
    const traced: RdkafkaCallback = (error, message, ...others) => {
      const within = isMessage(message) ? contexts.get(message) : undefined
      return context.with(within ?? context.active(), flowing as RdkafkaCallback, undefined, error, message, ...others)
    }
    return typeof count === 'function' ? consume.call(consumer, traced) : consume.call(consumer, count, traced)
  })
  interceptEvents(consumer, {
    data(pass, message) {
      // A poll also emits its messages, before its callback.
      if (polls > 0 || !isMessage(message)) return pass()
      const within = received.receive([message], ambientOfFlow())
      contexts.set(message, within)
      return context.with(within, pass)
    },
  })
  traceRdkafkaCommits(consumer, instrumentation, settings)
}

interface Receiver {
  /** Records the receive span; returns the context for handlers. */
  receive(messages: unknown, ambient: Context, startTime?: number): Context
  /** Records the receive span of a failed poll. */
  receiveError(error: unknown, ambient: Context, startTime: number): Context
  /** Removes a receive span: a poll that a callback starts does not belong to the one before. */
  excludeReceiveSpan(active: Context): Context
}

function createReceiver(instrumentation: Instrumentation, settings: ClientSettings, receiveSpans: boolean): Receiver {
  const getSource = createPartitionSources(settings, settings.cluster)
  const { groupId, clientId } = settings
  const topics = new Map<string | undefined, MessageSource>()
  const ambients = new WeakMap<Span, Context>()
  const getTopicSource = (topic: string | undefined): MessageSource => {
    let source = topics.get(topic)
    if (source === undefined) topics.set(topic, (source = Object.freeze({ topic, groupId, clientId })))
    return source
  }
  return {
    receive(messages, ambient, startTime) {
      if (!Array.isArray(messages)) return ambient
      try {
        const delivered = messages.filter(isMessage)
        const [first] = delivered
        if (first === undefined) return ambient
        const isOneTopic = delivered.every(({ topic }) => topic === first.topic)
        const isOnePartition = isOneTopic && delivered.every(({ partition }) => partition === first.partition)
        const source = isOnePartition
          ? getSource(first.topic, first.partition)
          : getTopicSource(isOneTopic ? first.topic : undefined)
        const within = receiveSpans
          ? instrumentation.receive(delivered, { source, context: ambient, startTime })
          : ambient
        for (const message of delivered)
          setMessageOrigin(message, instrumentation, getSource(message.topic, message.partition))
        const span = trace.getSpan(within)
        if (within !== ambient && span !== undefined) ambients.set(span, ambient)
        return within
      } catch (error) {
        reportFailure('trace received messages', error)
        return ambient
      }
    },
    receiveError(error, ambient, startTime) {
      if (receiveSpans)
        instrumentation.receive([], { source: getTopicSource(undefined), context: ambient, startTime, error })
      return ambient
    },
    excludeReceiveSpan(active) {
      const span = trace.getSpan(active)
      return (span && ambients.get(span)) ?? active
    },
  }
}

function isMessage(value: unknown): value is RdkafkaMessage {
  if (typeof value !== 'object' || value === null) return false
  const { topic, partition } = value as Partial<RdkafkaMessage>
  return typeof topic === 'string' && typeof partition === 'number'
}
