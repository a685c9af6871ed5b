import { context, type Context } from '@opentelemetry/api'
import { getMessageOrigin, setMessageOrigin } from '../core/propagation/message-origin.ts'
import type { MessageSource, ReceivedMessage } from '../core/source.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import { createHandlerContext, createPartitionSources, type GetSource } from '../core/clients/consumer-sources.ts'
import { watchChannel, watchOperations, type Unsubscribe } from './channels.ts'
import { getPlatformaticCluster } from './cluster.ts'

interface Consumer {
  readonly clientId?: string
  readonly groupId?: string
}

/** `result` is the very message that the stream hands out. */
interface ReceiveEvent {
  readonly client: Consumer
  readonly stream?: object
  readonly result: ReceivedMessage & { readonly topic: string; readonly partition: number }
}

interface ConsumeEvent {
  readonly client: Consumer
}

/** Records the origin of each message. Creates no span: streams prefetch. */
export function watchDeliveries(instrumentation: Instrumentation, clientId: string | undefined): Unsubscribe {
  const origins = new WeakMap<object, GetSource>()
  const getSource = ({ client, stream = client }: ReceiveEvent): GetSource => {
    let sources = origins.get(stream)
    if (sources === undefined) {
      const { groupId } = client
      const identity = { groupId, clientId: clientId ?? client.clientId }
      sources = bindAmbientContext(
        createPartitionSources(identity, getPlatformaticCluster(client)),
        ambients.get(stream),
      )
      origins.set(stream, sources)
    }
    return sources
  }
  const subscriptions = [
    watchChannel<ReceiveEvent>('tracing:plt:kafka:consumer:receives:asyncStart', (event) => {
      const { topic, partition } = event.result
      setMessageOrigin(event.result, instrumentation, getSource(event)(topic, partition))
    }),
    watchOperations<ConsumeEvent>('consumer:consumes', () => {
      const ambient = createHandlerContext(context.active())
      return {
        endSend(stream) {
          if (typeof stream === 'object' && stream !== null) ambients.set(stream, ambient)
        },
        fail() {},
      }
    }),
  ]
  return () => subscriptions.forEach((end) => end())
}

/** Returns the source of a delivered message; undefined for a copy. */
export function getMessageSource(message: object): MessageSource | undefined {
  return getMessageOrigin(message)?.source
}

/**
 * Returns the active context without the span in which the stream was created: streams inherit it
 * for ever, and it would collect all messages in one trace.
 */
export function getAmbientContext(source: MessageSource | undefined): Context {
  const ambient = source && sourceContexts.get(source)
  return ambient ? ambient() : context.active()
}

const ambients = new WeakMap<object, () => Context>()
const sourceContexts = new WeakMap<MessageSource, () => Context>()

function bindAmbientContext(getSource: GetSource, ambient: (() => Context) | undefined): GetSource {
  if (ambient === undefined) return getSource
  return (topic, partition) => {
    const source = getSource(topic, partition)
    if (!sourceContexts.has(source)) sourceContexts.set(source, ambient)
    return source
  }
}
