import type { Consumer, EachBatchPayload, Offsets, TopicPartitionOffset, Transaction } from 'kafkajs'
import type { ClientEvents } from '../events/events.ts'
import { observe } from '../core/span/run-in-span.ts'
import type { Settlement } from '../core/telemetry.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import type { KafkaJSCluster } from './cluster.ts'
import type { ClientIdentity } from './identity.ts'
import type { ClientScope } from './metrics.ts'
import { replaceMethod } from '../core/clients/override.ts'

export interface Settling {
  readonly instrumentation: Instrumentation
  readonly identity: ClientIdentity
  readonly cluster: KafkaJSCluster
  readonly groupId?: string | undefined
  readonly work: ClientScope
  /** Of a consumer. */
  readonly events?: ClientEvents
}

/**
 * Traces commits that the application makes; kafkajs's automatic ones belong to no span, and are
 * counted by its events.
 */
export function traceCommits(consumer: Consumer, settling: Settling): void {
  const { commitOffsets } = consumer
  replaceMethod(consumer, 'commitOffsets', (offsets: TopicPartitionOffset[]) =>
    settle(settling, 'commit', Array.isArray(offsets) ? offsets : [], () => commitOffsets(offsets)),
  )
}

/**
 * The same for the commit that a batch handler gets; without offsets it commits only if it is time
 * to, which it doesn't tell.
 */
export function traceBatchCommits(payload: EachBatchPayload, settling: Settling): EachBatchPayload {
  const { commitOffsetsIfNecessary } = payload
  if (typeof commitOffsetsIfNecessary !== 'function') return payload
  return {
    ...payload,
    commitOffsetsIfNecessary: (offsets) =>
      offsets === undefined
        ? commitOffsetsIfNecessary()
        : settle(settling, 'commit', toTopicPartitions(offsets), () => commitOffsetsIfNecessary(offsets)),
  }
}

/** Traces how a transaction ends, and the offsets that it commits. */
export function traceTransactionEnd(transaction: Transaction, settling: Settling): void {
  const { commit, abort, sendOffsets } = transaction
  replaceMethod(transaction, 'commit', () => settle(settling, 'commit_transaction', [], commit))
  replaceMethod(transaction, 'abort', () => settle(settling, 'abort_transaction', [], abort))
  replaceMethod(transaction, 'sendOffsets', (offsets) =>
    settle({ ...settling, groupId: offsets?.consumerGroupId }, 'send_offsets', toTopicPartitions(offsets), () =>
      sendOffsets(offsets),
    ),
  )
}

type Place = Pick<TopicPartitionOffset, 'topic' | 'partition'>

function settle(
  { instrumentation, identity, cluster, groupId, work, events }: Settling,
  operationName: string,
  places: readonly Place[],
  call: () => Promise<void>,
): Promise<void> {
  const [first] = places
  const topic = places.every((place) => place?.topic === first?.topic) ? first?.topic : undefined
  const partition = places.length === 1 ? first?.partition : undefined
  const settlement: Settlement = {
    operationName,
    topic,
    partition,
    groupId,
    clientId: identity.clientId,
    clusterId: cluster.getClusterId(),
  }
  return instrumentation.settle(settlement, () =>
    observe(
      call,
      () => {},
      (error) => {
        if (operationName === 'commit' || operationName === 'send_offsets')
          work.getMetrics()?.countCommit(error ?? null)
        events?.emitCommitFailure(error, topic)
      },
    ),
  )
}

function toTopicPartitions(offsets: Offsets | undefined): Place[] {
  const topics: unknown = offsets?.topics
  if (!Array.isArray(topics)) return []
  return (topics as Offsets['topics']).flatMap((entry) =>
    (Array.isArray(entry?.partitions) ? entry.partitions : []).map((one) => ({
      topic: entry.topic,
      partition: one?.partition,
    })),
  )
}
