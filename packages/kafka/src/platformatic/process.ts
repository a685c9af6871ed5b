import { context, type Context, type Span } from '@opentelemetry/api'
import { setMessageOrigin } from '../core/propagation/message-origin.ts'
import { observe } from '../core/span/run-in-span.ts'
import type { MessageSource, ReceivedMessage } from '../core/source.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import { createHandlerContext } from '../core/clients/consumer-sources.ts'
import { getAmbientContext, getMessageSource } from './receive.ts'

/** Functions for applications: the client does not know when a message is processed. */
export interface PlatformaticProcessing {
  process<R>(message: ReceivedMessage, fn: (span: Span) => R): R
  processBatch<R>(messages: readonly ReceivedMessage[], fn: (span: Span) => R): R
  iterate<M extends ReceivedMessage>(stream: AsyncIterable<M>): AsyncGenerator<M, void, undefined>
}

/** A process span between two steps of `iterate`. */
interface OpenSpan {
  readonly span: Span
  readonly within: Context
  fail(error: unknown): void
}

/** `delivering` processes messages that `processMessage()` is called with. */
export function createProcessing(
  instrumentation: Instrumentation,
): PlatformaticProcessing & { readonly delivering: Instrumentation } {
  const open = new WeakMap<object, OpenSpan>()
  const process = <R>(message: ReceivedMessage, fn: (span: Span) => R, ambient?: Context): R => {
    const source = getMessageSource(message)
    const delivery = { ...(source && { source }), context: ambient ?? getAmbientContext(source) }
    return instrumentation.process(normalizeMessage(message), fn, delivery)
  }
  const begin = (message: ReceivedMessage, ambient: Context): (() => void) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const done = process(
      message,
      (span) => {
        open.set(message, { span, within: context.active(), fail: reject })
        return promise
      },
      ambient,
    )
    // The caller of `process` handles the failure.
    done.catch(() => {})
    return () => {
      open.delete(message)
      resolve()
    }
  }
  const processing: PlatformaticProcessing = {
    process(message, fn) {
      const opened = open.get(message)
      if (opened === undefined) return process(message, fn)
      return observe(
        () => context.with(opened.within, fn, undefined, opened.span),
        () => {},
        opened.fail,
      )
    },
    processBatch(messages, fn) {
      const sources = messages.map(getMessageSource)
      const source = mergeSources(sources)
      const ambient = getAmbientContext(sources[0])
      const within = (span: Span): ReturnType<typeof fn> => {
        // Messages keep their own partition, also in a batch of several.
        messages.forEach((message, i) => sources[i] && setMessageOrigin(message, delivering, sources[i]))
        return fn(span)
      }
      return instrumentation.processBatch(messages.map(normalizeMessage), within, {
        ...(source && { source }),
        context: ambient,
      })
    },
    async *iterate(stream) {
      const ambient = createHandlerContext(context.active())
      for await (const message of stream) {
        const end = begin(
          message,
          context.with(ambient(), () => getAmbientContext(getMessageSource(message))),
        )
        try {
          yield message
        } finally {
          end()
        }
      }
    },
  }
  const delivering: Instrumentation = { ...instrumentation, process: processing.process }
  return { ...processing, delivering }
}

/** Restores null values, delivered as `undefined`, and repeated headers: the Map has the last. */
function normalizeMessage(message: ReceivedMessage): ReceivedMessage {
  const { value, headers, headerEntries } = message as ReceivedMessage & {
    readonly headerEntries?: readonly (readonly [unknown, unknown])[]
  }
  const isRepeated = headers instanceof Map && headerEntries !== undefined && headerEntries.length > headers.size
  if (value !== undefined && !isRepeated) return message
  const { topic, partition, offset, key, timestamp } = message
  return {
    topic,
    partition,
    offset,
    key,
    timestamp,
    value: value ?? null,
    headers: isRepeated ? headerEntries : headers,
  }
}

/**
 * Returns the properties that all sources of a batch share, and the source itself if it is the only
 * one: its attributes are computed once.
 */
function mergeSources(sources: readonly (MessageSource | undefined)[]): MessageSource | undefined {
  const [first] = sources
  if (first === undefined || sources.every((source) => source === first)) return first
  const { topic, groupId, clientId, clusterId, server } = first
  const isOneTopic = sources.every((source) => source?.topic === topic)
  const isOneServer = sources.every((source) => source?.server === server)
  return {
    topic: isOneTopic ? topic : undefined,
    groupId,
    clientId,
    clusterId,
    server: isOneServer ? server : undefined,
  }
}
