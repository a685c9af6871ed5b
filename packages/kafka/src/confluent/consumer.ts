import type { KafkaJS } from '@confluentinc/kafka-javascript'
import type { Instrumentation } from '../core/instrumentation.ts'
import { createSettlement } from '../core/clients/settlement.ts'
import type { ClientSettings } from '../rdkafka/settings.ts'
import { createPartitionSources, traceHandlers } from '../core/clients/consumer-sources.ts'
import { settleAsync } from '../rdkafka/settle.ts'
import { replaceMethod } from '../core/clients/override.ts'

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
    // The client rejects inherited properties such as `autoCommit`, hence a plain copy. It ignores
    // `eachBatch` beside `eachMessage`, so no handler is added that the application did not set.
    return run({ ...config, ...traceHandlers(config, instrumentation, getSource) })
  })
  replaceMethod(consumer, 'commitOffsets', (offsets) =>
    settleAsync(instrumentation, createSettlement('commit', offsets, settings), () => commitOffsets(offsets)),
  )
}
