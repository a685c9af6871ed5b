import type { ConsumerRunConfig, EachBatchPayload, KafkaMessage } from 'kafkajs'
import { processMessage } from '../core/process-message.ts'

/**
 * What to give to `consumer.run` to handle a batch message by message, each in a process span of
 * its own: `eachMessage` with the batch at hand. Offsets are resolved and heartbeats sent after
 * each message; it stops where kafkajs asks a batch handler to, when the consumer is stopping or a
 * seek made the batch stale.
 *
 *     await consumer.run({ ...processEach(async (message, { batch }) => { … }), partitionsConsumedConcurrently: 3 })
 *
 * `eachBatchAutoResolve` is off with it: otherwise kafkajs would resolve the messages after a stop
 * as well, and lose them.
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
