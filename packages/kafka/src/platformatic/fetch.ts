import { watchChannel, watchOperations, type Unsubscribe } from './channels.ts'
import type { PlatformaticClient, WatchedClient } from './types.ts'

interface FetchingClient extends PlatformaticClient {
  readonly currentMetadata?: { readonly topics?: ReadonlyMap<string, { readonly id?: string }> }
}

interface FetchEvent {
  readonly client: FetchingClient
  readonly options: { readonly topics?: readonly Requested[] }
}

interface Requested {
  readonly topicId?: string
  readonly partitions?: readonly { readonly partition: number; readonly fetchOffset?: bigint }[]
}

interface Fetched {
  readonly responses?: readonly {
    readonly topicId?: string
    readonly partitions?: readonly FetchedPartition[]
  }[]
}

interface FetchedPartition {
  readonly partitionIndex: number
  readonly highWatermark?: bigint
  readonly records?: readonly { readonly firstOffset?: bigint; readonly lastOffsetDelta?: number }[] | null
}

interface LagEvent {
  readonly client: PlatformaticClient
  /** By topic and partition; negative for partitions of other members. */
  readonly lag: ReadonlyMap<string, readonly bigint[]>
}

/**
 * Records batches and lag of fetches: from the end of the fetched records to the high watermark. If
 * the application measures its lag, that one counts: from the committed offset.
 */
export function watchFetches(watched: (client: PlatformaticClient) => WatchedClient): Unsubscribe {
  const watchedClients = new WeakSet<object>()
  const subscriptions = [
    watchOperations<FetchEvent>('consumer:fetches', ({ client, options }) => ({
      endSend(result) {
        const { getMetrics, getSource } = watched(client)
        const measured = getMetrics()
        if (measured === undefined) return
        for (const { topicId, partitions } of (result as Fetched | undefined)?.responses ?? []) {
          const topic = topicId === undefined ? undefined : findTopicName(client, topicId)
          if (topic === undefined) continue
          for (const fetched of partitions ?? []) {
            const source = getSource(topic, fetched.partitionIndex)
            const end = getEndOffset(fetched)
            if (end !== undefined) measured.countBatch(source)
            const position = end ?? findRequestedOffset(options.topics, topicId, fetched.partitionIndex)
            if (position === undefined || fetched.highWatermark === undefined || watchedClients.has(client)) continue
            measured.setLag(source, Math.max(0, Number(fetched.highWatermark - position)))
          }
        }
      },
      fail() {},
    })),
    watchChannel<LagEvent>('plt:kafka:consumer:lag', ({ client, lag }) => {
      watchedClients.add(client)
      const { getMetrics, getSource } = watched(client)
      for (const [topic, partitions] of lag) {
        partitions.forEach((messages, partition) => {
          if (messages >= 0n) getMetrics()?.setLag(getSource(topic, partition), Number(messages))
        })
      }
    }),
  ]
  return () => subscriptions.forEach((end) => end())
}

const topicNames = new WeakMap<object, Map<string, string>>()

function findTopicName({ currentMetadata }: FetchingClient, id: string): string | undefined {
  const topics = currentMetadata?.topics
  if (topics === undefined) return undefined
  const names = topicNames.get(topics)
  const known = names?.get(id)
  if (known !== undefined) return known
  // The client adds topics to this map later.
  const read = new Map<string, string>()
  for (const [name, topic] of topics) if (topic.id !== undefined) read.set(topic.id, name)
  topicNames.set(topics, read)
  return read.get(id)
}

/** The offset after the last record. */
function getEndOffset({ records }: FetchedPartition): bigint | undefined {
  const last = records?.at(-1)
  if (last?.firstOffset === undefined || last.lastOffsetDelta === undefined) return undefined
  return last.firstOffset + BigInt(last.lastOffsetDelta) + 1n
}

function findRequestedOffset(
  topics: readonly Requested[] | undefined,
  topicId: string | undefined,
  partition: number,
): bigint | undefined {
  for (const topic of topics ?? []) {
    if (topic.topicId !== topicId) continue
    const found = topic.partitions?.find((one) => one.partition === partition)
    if (found) return found.fetchOffset
  }
  return undefined
}
