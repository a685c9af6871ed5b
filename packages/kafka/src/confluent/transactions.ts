import type { KafkaJS } from '@confluentinc/kafka-javascript'
import type { Instrumentation } from '../core/instrumentation.ts'
import { createSettlement } from '../core/clients/settlement.ts'
import type { ClientSettings } from '../rdkafka/settings.ts'
import { settleAsync } from '../rdkafka/settle.ts'
import { replaceMethod } from '../core/clients/override.ts'

/**
 * Traces the end of a transaction; `transaction()` returns the producer, which has these methods.
 */
export function traceConfluentTransactions(
  producer: KafkaJS.Producer,
  instrumentation: Instrumentation,
  settings: ClientSettings,
): void {
  const commit = producer.commit.bind(producer)
  const abort = producer.abort.bind(producer)
  const sendOffsets = producer.sendOffsets.bind(producer)
  const settlement = (operationName: string) => ({ operationName, clientId: settings.clientId })
  replaceMethod(producer, 'commit', () => settleAsync(instrumentation, settlement('commit_transaction'), commit))
  replaceMethod(producer, 'abort', () => settleAsync(instrumentation, settlement('abort_transaction'), abort))
  replaceMethod(producer, 'sendOffsets', (args) =>
    settleAsync(instrumentation, createSentOffsets(args, settings), () => sendOffsets(args)),
  )
}

function createSentOffsets(args: unknown, { clientId }: ClientSettings) {
  const topics: unknown = typeof args === 'object' && args !== null && 'topics' in args ? args.topics : undefined
  const offsets = Array.isArray(topics) ? topics.flatMap(toTopicPartitions) : []
  return createSettlement('send_offsets', offsets, { clientId, groupId: undefined })
}

// { topic, partitions: [{ partition, offset }] }
function toTopicPartitions(entry: Partial<KafkaJS.TopicOffsets> | null | undefined) {
  const { topic, partitions } = entry ?? {}
  return (Array.isArray(partitions) ? partitions : []).map((one) => ({ topic, partition: one?.partition }))
}
