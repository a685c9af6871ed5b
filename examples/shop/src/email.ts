// payments -> receipts, by the batch. The batch has a span; processMessage() gives each message one
// too, with its own time, context and baggage.
import './telemetry.ts'
import { trace } from '@opentelemetry/api'
import { processMessage } from '@spanlink/kafka'
import { kafka } from './kafka.ts'
import { ready } from './lifecycle.ts'
import { customerTier, read, topics, type Payment } from './messages.ts'
import { work } from './work.ts'

const consumer = kafka.consumer({ groupId: 'email', maxWaitTimeInMs: 500 })
await consumer.connect()
await consumer.subscribe({ topic: topics.payments, fromBeginning: true })
await consumer.run({
  eachBatch: async ({ batch, resolveOffset, heartbeat, isRunning, isStale }) => {
    for (const message of batch.messages) {
      if (!isRunning() || isStale()) return
      await processMessage(message, async () => await sendReceipt(read<Payment>(message)))
      resolveOffset(message.offset)
      await heartbeat()
    }
  },
})
ready(topics.payments, async () => await consumer.disconnect())

async function sendReceipt({ status }: Payment): Promise<void> {
  await work(5, 25)
  trace.getActiveSpan()?.setAttribute('shop.email.template', `${status}-${customerTier()}`)
}
