import { context, type Context } from '@opentelemetry/api'
import { watchChannel, type Unsubscribe } from './channels.ts'
import { replaceMethod } from '../core/clients/override.ts'

/** The contexts of writes to streams, which send from a timer. */
export interface WrittenContexts {
  take(message: object): Context | undefined
  readonly unsubscribe: Unsubscribe
}

interface CreationEvent {
  readonly type: string
  readonly instance: object
}

interface WritableStream {
  write(...args: unknown[]): boolean
  end(...args: unknown[]): unknown
}

/** Records the context of each `write` and `end` on streams of `producer.asStream()`. */
export function watchProducerStreams(): WrittenContexts {
  const contexts = new WeakMap<object, Context>()
  const note = (message: unknown): void => {
    if (typeof message === 'object' && message !== null) contexts.set(message, context.active())
  }
  const unsubscribe = watchChannel<CreationEvent>('plt:kafka:instances', ({ type, instance }) => {
    if (type !== 'producer-stream') return
    const stream = instance as WritableStream
    const { write, end } = stream
    replaceMethod(stream, 'write', (...args) => {
      note(args[0])
      return write.apply(stream, args)
    })
    replaceMethod(stream, 'end', (...args) => {
      note(args[0])
      return end.apply(stream, args)
    })
  })
  return {
    take(message) {
      const written = contexts.get(message)
      if (written !== undefined) contexts.delete(message)
      return written
    },
    unsubscribe,
  }
}
