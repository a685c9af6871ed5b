import type { ConsumerRunConfig, EachBatchPayload, KafkaMessage } from 'kafkajs'
import { processMessage } from '../core/process-message.ts'

/**
 * Creates options for `consumer.run` that process a batch message by message, each in its own
 * process span. Resolves offsets and sends heartbeats after each message; stops when the consumer
 * stops or a seek makes the batch stale.
 * `await consumer.run({ ...processEach(async (message, { batch }) => { … }) })`
 * Sets `eachBatchAutoResolve: false`: otherwise kafkajs would resolve the messages after a stop,
 * and lose them.
 */
export function processEach(
  handler: (message: KafkaMessage, payload: EachBatchPayload) => void | Promise<void>,
): Required<Pick<ConsumerRunConfig, 'eachBatch' | 'eachBatchAutoResolve'>> {
  return {
    eachBatchAutoResolve: false,
    eachBatch: async (payload) => {
      for (const message of payload.batch.messages) {
        if (!payload.isRunning() || payload.isStale()) break
        await processMessage(message, () => handler(message, payload))
        payload.resolveOffset(message.offset)
        await payload.heartbeat()
      }
    },
  }
}
