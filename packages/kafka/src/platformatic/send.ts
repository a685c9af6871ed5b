import { context, type Context } from '@opentelemetry/api'
import { warnOnce } from '../core/diagnostics.ts'
import type { OutgoingFormat, RecordMetadata, StartedSend } from '../core/telemetry.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import { watchOperations, type Outcome, type Unsubscribe } from './channels.ts'
import { getPlatformaticCluster } from './cluster.ts'
import { withErrorType } from './errors.ts'
import { createOutgoingFormat, type PlatformaticMessage } from './headers.ts'

interface SendEvent {
  readonly client: { readonly clientId?: string }
  readonly options: { messages: readonly PlatformaticMessage[] }
}

/** Messages of one call with the same topic and context. */
interface Group {
  readonly topic: string
  readonly ambient: Context
  readonly messages: PlatformaticMessage[]
  /** Indexes among all messages of the call. */
  readonly indexes: number[]
  /** Indexes among the messages of the topic. */
  readonly topicIndexes: number[]
}

/**
 * Traces every send: a Send span per topic and per context in which messages were written to a
 * stream. Replaces the messages in the options by copies until the send ends.
 * @param takeContext returns the context in which a message was written to a stream
 */
export function watchSends(
  instrumentation: Instrumentation,
  clientId: string | undefined,
  takeContext: (message: object) => Context | undefined,
): Unsubscribe {
  const formats = new WeakMap<object, OutgoingFormat<PlatformaticMessage>>()
  const getFormat = (producer: object): OutgoingFormat<PlatformaticMessage> => {
    let format = formats.get(producer)
    if (format === undefined) formats.set(producer, (format = createOutgoingFormat(producer)))
    return format
  }
  // Several sends may use one options object at once.
  const originals = new WeakMap<readonly PlatformaticMessage[], readonly PlatformaticMessage[]>()

  return watchOperations<SendEvent>('producer:sends', ({ client, options }): Outcome | undefined => {
    const messages = originals.get(options.messages) ?? options.messages
    if (!isSendable(messages)) return undefined
    if (!Reflect.set(options, 'messages', messages)) {
      warnOnce('options of a send are frozen, so its messages carry no context and have no span')
      return undefined
    }
    const format = getFormat(client)
    const groups = groupMessages(messages, takeContext)
    const copies = [...messages]
    const sends = groups.map(({ topic, ambient, messages: own, indexes }) => {
      const { getClusterId, getLeader } = getPlatformaticCluster(client)
      const operation = {
        topic,
        messages: own,
        format,
        clientId: clientId ?? client.clientId,
        clusterId: getClusterId,
        getLeader: (partition: number | undefined) => getLeader(topic, partition),
      }
      const started = context.with(ambient, () => instrumentation.startSend(operation))
      started.messages.forEach((message, i) => (copies[indexes[i]!] = message))
      return started
    })
    originals.set(copies, messages)
    options.messages = copies
    const restore = (): void => {
      if (options.messages === copies) options.messages = messages
    }
    return {
      endSend(result) {
        restore()
        groups.forEach((group, i) => succeed(sends[i]!, group, result))
      },
      fail(error) {
        restore()
        const typed = withErrorType(error)
        for (const started of sends) started.fail(typed)
      },
    }
  })
}

// Invalid messages are passed on unchanged: the client rejects them with its own error.
function isSendable(messages: unknown): messages is readonly PlatformaticMessage[] {
  return Array.isArray(messages) && messages.length > 0 && messages.every(isMessage)
}

function isMessage(message: unknown): message is PlatformaticMessage {
  return typeof message === 'object' && message !== null && typeof (message as { topic?: unknown }).topic === 'string'
}

function groupMessages(
  messages: readonly PlatformaticMessage[],
  takeContext: (message: object) => Context | undefined,
): readonly Group[] {
  const active = context.active()
  const topics = new Map<string, { count: number; readonly groups: Map<Context, Group> }>()
  for (const [i, message] of messages.entries()) {
    const { topic } = message
    let of = topics.get(topic)
    if (of === undefined) topics.set(topic, (of = { count: 0, groups: new Map() }))
    const ambient = takeContext(message) ?? active
    let group = of.groups.get(ambient)
    if (group === undefined)
      of.groups.set(ambient, (group = { topic, ambient, messages: [], indexes: [], topicIndexes: [] }))
    group.messages.push(message)
    group.indexes.push(i)
    group.topicIndexes.push(of.count)
    of.count += 1
  }
  return [...topics.values()].flatMap(({ groups }) => [...groups.values()])
}

function succeed(started: StartedSend<PlatformaticMessage>, group: Group, result: unknown): void {
  if (!started.isObserved) return started.succeed()
  const stored = listStoredPartitions(group.topic, result)
  started.succeed(
    started.isRecording ? resolveRecordMetadata(group, stored) : undefined,
    stored.map(({ partition }) => partition),
  )
}

interface StoredPartition {
  readonly topic: string
  readonly partition: number
  /** The offset of this send's first record in the partition. */
  readonly offset: bigint
}

function listStoredPartitions(topic: string, result: unknown): readonly StoredPartition[] {
  const { offsets } = (result ?? {}) as { readonly offsets?: readonly StoredPartition[] }
  return (offsets ?? []).filter((one) => one.topic === topic)
}

/**
 * Resolves records from the first offset of each partition: exact if a topic used one partition,
 * else only the partition that the application chose.
 */
function resolveRecordMetadata(
  { messages, topicIndexes }: Group,
  stored: readonly StoredPartition[],
): readonly (RecordMetadata | undefined)[] {
  const [first] = stored
  if (first === undefined) return []
  if (stored.length > 1)
    return messages.map(({ partition }) =>
      stored.some((one) => one.partition === partition) ? { partition: partition! } : undefined,
    )
  const { partition, offset } = first
  // Negative if the broker returned none.
  return topicIndexes.map((nth) => ({ partition, offset: offset < 0n ? undefined : offset + BigInt(nth) }))
}
