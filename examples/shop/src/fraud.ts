// payments -> a fraud score, slowly, and not always: three attempts, then the message goes to the
// dead-letter topic.
import './telemetry.ts'
import { SpanStatusCode, trace } from '@opentelemetry/api'
import type { KafkaMessage } from 'kafkajs'
import { kafka } from './kafka.ts'
import { ready } from './lifecycle.ts'
import { read, topics, type Payment } from './messages.ts'
import { work } from './work.ts'

const ATTEMPTS = 3
const tracer = trace.getTracer('fraud')

const consumer = kafka.consumer({ groupId: 'fraud', maxWaitTimeInMs: 500 })
const producer = kafka.producer()
await consumer.connect()
await producer.connect()
await consumer.subscribe({ topic: topics.payments, fromBeginning: true })
await consumer.run({
  partitionsConsumedConcurrently: 3,
  eachMessage: async ({ message, heartbeat }) => {
    const payment = read<Payment>(message)
    for (let attempt = 1; ; attempt++) {
      try {
        return await score(payment, attempt)
      } catch (error) {
        if (attempt === ATTEMPTS) return await giveUp(message, error)
        await work(100 * attempt, 200 * attempt)
        await heartbeat()
      }
    }
  },
})
ready(
  topics.payments,
  async () => await consumer.disconnect(),
  async () => await producer.disconnect(),
)

async function score({ amount }: Payment, attempt: number): Promise<void> {
  await tracer.startActiveSpan('score payment', { attributes: { 'shop.attempt': attempt } }, async (span) => {
    try {
      await work(150, 600)
      if (amount > 5000) throw new Error('the model knows no payments over 5000')
      if (Math.random() < 0.1) throw new Error('the model timed out')
    } catch (error) {
      span.recordException(error instanceof Error ? error : String(error))
      span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) })
      throw error
    } finally {
      span.end()
    }
  })
}

/**
 * The message goes on as it came, headers too; the plugin replaces the trace context in them by
 * this send's. So a dead letter leads to the attempts that failed, and from there to the payment.
 */
async function giveUp(message: KafkaMessage, error: unknown): Promise<void> {
  trace.getActiveSpan()?.setStatus({ code: SpanStatusCode.ERROR, message: `gave up: ${String(error)}` })
  await producer.send({
    topic: topics.paymentsDeadLetter,
    messages: [{ key: message.key, value: message.value, headers: { ...message.headers, error: String(error) } }],
  })
}
