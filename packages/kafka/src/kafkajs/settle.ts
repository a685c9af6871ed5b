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

/** Traces commits by the application; automatic ones have no span and are counted by events. */
export function traceCommits(consumer: Consumer, settling: Settling): void {
  const { commitOffsets } = consumer
  replaceMethod(consumer, 'commitOffsets', (offsets: TopicPartitionOffset[]) =>
    settle(settling, 'commit', Array.isArray(offsets) ? offsets : [], () => commitOffsets(offsets)),
  )
}

/**
 * Traces the commits of a batch handler. Without offsets kafkajs decides whether to commit, and
 * does not report it: no span.
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

/** Traces the end of a transaction, and the offsets that it commits. */
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

type TopicPartition = Pick<TopicPartitionOffset, 'topic' | 'partition'>

function settle(
  { instrumentation, identity, cluster, groupId, work, events }: Settling,
  operationName: string,
  partitions: readonly TopicPartition[],
  call: () => Promise<void>,
): Promise<void> {
  const [first] = partitions
  const topic = partitions.every((entry) => entry?.topic === first?.topic) ? first?.topic : undefined
  const partition = partitions.length === 1 ? first?.partition : undefined
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

function toTopicPartitions(offsets: Offsets | undefined): TopicPartition[] {
  const topics: unknown = offsets?.topics
  if (!Array.isArray(topics)) return []
  return (topics as Offsets['topics']).flatMap((entry) =>
    (Array.isArray(entry?.partitions) ? entry.partitions : []).map((one) => ({
      topic: entry.topic,
      partition: one?.partition,
    })),
  )
}
