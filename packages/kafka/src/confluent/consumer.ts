import { context, type Context } from '@opentelemetry/api'
import type { KafkaJS } from '@confluentinc/kafka-javascript'
import type { Instrumentation } from '../core/instrumentation.ts'
import { createSettlement } from '../core/clients/settlement.ts'
import type { ClientSettings } from '../rdkafka/settings.ts'
import { createHandlerContext, createPartitionSources, type GetSource } from '../core/clients/consumer-sources.ts'
import { settleAsync } from '../rdkafka/settle.ts'
import { replaceMethod } from '../core/clients/override.ts'

type EachMessage = NonNullable<KafkaJS.ConsumerRunConfig['eachMessage']>
type EachBatch = NonNullable<KafkaJS.ConsumerRunConfig['eachBatch']>

/** Traces the handlers that are given to `run`, and commits. */
export function traceConfluentConsumer(
  consumer: KafkaJS.Consumer,
  instrumentation: Instrumentation,
  settings: ClientSettings,
): void {
  const run = consumer.run.bind(consumer)
  const commitOffsets = consumer.commitOffsets.bind(consumer)
  const getSource = createPartitionSources(settings, settings.cluster)
  replaceMethod(consumer, 'run', (config) => {
    if (typeof config !== 'object' || config === null) return run(config)
    const ambient = createHandlerContext(context.active())
    const { eachMessage, eachBatch } = config
    // The client rejects inherited properties such as `autoCommit`, hence a plain copy. It ignores
    // `eachBatch` beside `eachMessage`, so no handler is added that the application did not set.
    const traced = { ...config }
    if (typeof eachMessage === 'function') {
      traced.eachMessage = traceEachMessage(eachMessage, instrumentation, getSource, ambient)
    }
    if (typeof eachBatch === 'function')
      traced.eachBatch = traceEachBatch(eachBatch, instrumentation, getSource, ambient)
    return run(traced)
  })
  replaceMethod(consumer, 'commitOffsets', (offsets) =>
    settleAsync(instrumentation, createSettlement('commit', offsets, settings), () => commitOffsets(offsets)),
  )
}

function traceEachMessage(
  eachMessage: EachMessage,
  instrumentation: Instrumentation,
  getSource: GetSource,
  ambient: () => Context,
): EachMessage {
  return (payload) => {
    const { topic, partition, message } = payload
    const source = getSource(topic, partition)
    return instrumentation.process(message, () => eachMessage(payload), { source, context: ambient() })
  }
}

function traceEachBatch(
  eachBatch: EachBatch,
  instrumentation: Instrumentation,
  getSource: GetSource,
  ambient: () => Context,
): EachBatch {
  return (payload) => {
    const { topic, partition, messages } = payload.batch
    const source = getSource(topic, partition)
    return instrumentation.processBatch(messages, () => eachBatch(payload), { source, context: ambient() })
  }
}
