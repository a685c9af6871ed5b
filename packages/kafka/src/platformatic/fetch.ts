import { watchChannel, watchOperations } from './channels.ts'
import type { Unsubscribe } from './channels.ts'
import type { PlatformaticClient, WatchedClient } from './clients.ts'

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
  /** By topic, an entry for each partition: below zero for those of others. */
  readonly lag: ReadonlyMap<string, readonly bigint[]>
}

/**
 * Lag and batches of what consumers fetch. The lag is from the end of what was fetched to the high
 * watermark, without what waits in the stream. Of a consumer that the application lets measure its
 * lag it is what that says: from what was committed.
 */
export function watchFetches(watched: (client: PlatformaticClient) => WatchedClient): Unsubscribe {
  const tellingLag = new WeakSet<object>()
  const subscriptions = [
    watchOperations<FetchEvent>('consumer:fetches', ({ client, options }) => ({
      succeed(result) {
        const { metrics, sourceOf } = watched(client)
        const measured = metrics()
        if (measured === undefined) return
        for (const { topicId, partitions } of (result as Fetched | undefined)?.responses ?? []) {
          const topic = topicId === undefined ? undefined : topicNamed(client, topicId)
          if (topic === undefined) continue
          for (const fetched of partitions ?? []) {
            const source = sourceOf(topic, fetched.partitionIndex)
            const end = endOf(fetched)
            if (end !== undefined) measured.batchBegun(source)
            const position = end ?? requestedOffset(options.topics, topicId, fetched.partitionIndex)
            if (position === undefined || fetched.highWatermark === undefined || tellingLag.has(client)) continue
            measured.lag(source, Math.max(0, Number(fetched.highWatermark - position)))
          }
        }
      },
      fail() {},
    })),
    watchChannel<LagEvent>('plt:kafka:consumer:lag', ({ client, lag }) => {
      tellingLag.add(client)
      const { metrics, sourceOf } = watched(client)
      for (const [topic, partitions] of lag) {
        partitions.forEach((messages, partition) => {
          if (messages >= 0n) metrics()?.lag(sourceOf(topic, partition), Number(messages))
        })
      }
    }),
  ]
  return () => subscriptions.forEach((end) => end())
}

const topicsOf = new WeakMap<object, Map<string, string>>()

function topicNamed({ currentMetadata }: FetchingClient, id: string): string | undefined {
  const topics = currentMetadata?.topics
  if (topics === undefined) return undefined
  const names = topicsOf.get(topics)
  const known = names?.get(id)
  if (known !== undefined) return known
  // The client adds to it when it learns of more topics.
  const read = new Map<string, string>()
  for (const [name, topic] of topics) if (topic.id !== undefined) read.set(topic.id, name)
  topicsOf.set(topics, read)
  return read.get(id)
}

/** The offset after the last record. */
function endOf({ records }: FetchedPartition): bigint | undefined {
  const last = records?.at(-1)
  if (last?.firstOffset === undefined || last.lastOffsetDelta === undefined) return undefined
  return last.firstOffset + BigInt(last.lastOffsetDelta) + 1n
}

function requestedOffset(
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
