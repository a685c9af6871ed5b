import type { Consumer, EachBatchPayload, TopicPartitionOffset, Transaction } from 'kafkajs'
import type { ClientEvents } from '../events/events.ts'
import { observe } from '../core/span/run-in-span.ts'
import type { Settlement } from '../core/telemetry.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import type { KafkaJSCluster } from './cluster.ts'
import type { ClientIdentity } from './identity.ts'
import type { ClientScope } from './metrics.ts'
import { replaceMethod } from '../core/clients/override.ts'
import { createSettlement, flattenOffsets } from '../core/clients/settlement.ts'

export interface Settling {
  readonly instrumentation: Instrumentation
  readonly identity: ClientIdentity
  readonly cluster: KafkaJSCluster
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
        : settle(settling, 'commit', flattenOffsets(offsets), () => commitOffsetsIfNecessary(offsets)),
  }
}

/** Traces the end of a transaction, and the offsets that it commits. */
export function traceTransactionEnd(transaction: Transaction, settling: Settling): void {
  const { commit, abort, sendOffsets } = transaction
  replaceMethod(transaction, 'commit', () => settle(settling, 'commit_transaction', [], commit))
  replaceMethod(transaction, 'abort', () => settle(settling, 'abort_transaction', [], abort))
  replaceMethod(transaction, 'sendOffsets', (offsets) =>
    settle(settling, 'send_offsets', flattenOffsets(offsets), () => sendOffsets(offsets), offsets?.consumerGroupId),
  )
}

function settle(
  { instrumentation, identity, cluster, work, events }: Settling,
  operationName: string,
  partitions: readonly unknown[],
  call: () => Promise<void>,
  groupId: string | undefined = identity.groupId,
): Promise<void> {
  const settlement: Settlement = {
    ...createSettlement(operationName, partitions, { groupId, clientId: identity.clientId }),
    clusterId: cluster.getClusterId(),
  }
  return instrumentation.settle(settlement, () =>
    observe(
      call,
      () => {},
      (error) => {
        if (operationName === 'commit' || operationName === 'send_offsets')
          work.getMetrics()?.countCommit(error ?? null)
        events?.emitCommitFailure(error, settlement.topic)
      },
    ),
  )
}
