import type { KafkaJS } from '@confluentinc/kafka-javascript'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import type { ClientSettings } from './settings.ts'
import { offsetsSettlement, settleAsync } from '../rdkafka/settle.ts'
import { replaceMethod } from '../core/clients/override.ts'

/**
 * Traces how a transaction ends. There is no transaction object: `transaction()` answers the
 * producer, whose methods these are.
 */
export function traceConfluentTransactions(
  producer: KafkaJS.Producer,
  telemetry: KafkaTelemetry,
  settings: ClientSettings,
): void {
  const commit = producer.commit.bind(producer)
  const abort = producer.abort.bind(producer)
  const sendOffsets = producer.sendOffsets.bind(producer)
  const settlement = (operationName: string) => ({ operationName, clientId: settings.clientId })
  replaceMethod(producer, 'commit', () => settleAsync(telemetry, settlement('commit_transaction'), commit))
  replaceMethod(producer, 'abort', () => settleAsync(telemetry, settlement('abort_transaction'), abort))
  replaceMethod(producer, 'sendOffsets', (args) =>
    settleAsync(telemetry, sentOffsets(args, settings), () => sendOffsets(args)),
  )
}

function sentOffsets(args: unknown, { clientId }: ClientSettings) {
  const topics: unknown = typeof args === 'object' && args !== null && 'topics' in args ? args.topics : undefined
  const offsets = Array.isArray(topics) ? topics.flatMap(partitionsOf) : []
  return offsetsSettlement('send_offsets', offsets, { clientId, groupId: undefined })
}

// { topic, partitions: [{ partition, offset }] }
function partitionsOf(entry: Partial<KafkaJS.TopicOffsets> | null | undefined) {
  const { topic, partitions } = entry ?? {}
  return (Array.isArray(partitions) ? partitions : []).map((one) => ({ topic, partition: one?.partition }))
}
