import { context } from '@opentelemetry/api'
import type { Context } from '@opentelemetry/api'
import type { KafkaJS } from '@confluentinc/kafka-javascript'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import type { ClientSettings } from './settings.ts'
import { ambientOfLoop, partitionSources } from '../core/clients/consumer-sources.ts'
import type { SourceOf } from '../core/clients/consumer-sources.ts'
import { offsetsSettlement, settleAsync } from '../rdkafka/settle.ts'
import { replaceMethod } from '../core/clients/override.ts'

type EachMessage = NonNullable<KafkaJS.ConsumerRunConfig['eachMessage']>
type EachBatch = NonNullable<KafkaJS.ConsumerRunConfig['eachBatch']>

/** Traces the handlers that are given to `run`, and commits. */
export function traceConfluentConsumer(
  consumer: KafkaJS.Consumer,
  telemetry: KafkaTelemetry,
  settings: ClientSettings,
): void {
  const run = consumer.run.bind(consumer)
  const commitOffsets = consumer.commitOffsets.bind(consumer)
  const sourceOf = partitionSources(settings, settings.cluster)
  replaceMethod(consumer, 'run', (config) => {
    if (typeof config !== 'object' || config === null) return run(config)
    const ambient = ambientOfLoop(context.active())
    const { eachMessage, eachBatch } = config
    // Own properties count: the client looks for `autoCommit` and others, which it refuses. A
    // handler that isn't there stays away: with `eachMessage` the client never calls `eachBatch`,
    // and takes the messages for handled.
    const traced = { ...config }
    if (typeof eachMessage === 'function') {
      traced.eachMessage = tracedMessages(eachMessage, telemetry, sourceOf, ambient)
    }
    if (typeof eachBatch === 'function') traced.eachBatch = tracedBatches(eachBatch, telemetry, sourceOf, ambient)
    return run(traced)
  })
  replaceMethod(consumer, 'commitOffsets', (offsets) =>
    settleAsync(telemetry, offsetsSettlement('commit', offsets, settings), () => commitOffsets(offsets)),
  )
}

function tracedMessages(
  eachMessage: EachMessage,
  telemetry: KafkaTelemetry,
  sourceOf: SourceOf,
  ambient: () => Context,
): EachMessage {
  return (payload) => {
    const { topic, partition, message } = payload
    const source = sourceOf(topic, partition)
    return telemetry.process(message, () => eachMessage(payload), { source, ambient: ambient() })
  }
}

function tracedBatches(
  eachBatch: EachBatch,
  telemetry: KafkaTelemetry,
  sourceOf: SourceOf,
  ambient: () => Context,
): EachBatch {
  return (payload) => {
    const { topic, partition, messages } = payload.batch
    const source = sourceOf(topic, partition)
    return telemetry.batch(messages, () => eachBatch(payload), { source, ambient: ambient() })
  }
}
