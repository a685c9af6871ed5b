// payments.dlq -> a person's desk. One link leads from here to the attempts that failed.
import './telemetry.ts'
import { trace } from '@opentelemetry/api'
import { kafka } from './kafka.ts'
import { ready } from './lifecycle.ts'
import { read, topics, type Payment } from './messages.ts'
import { work } from './work.ts'

const consumer = kafka.consumer({ groupId: 'review', maxWaitTimeInMs: 500 })
await consumer.connect()
await consumer.subscribe({ topic: topics.paymentsDeadLetter, fromBeginning: true })
await consumer.run({
  eachMessage: async ({ message }) => {
    const { amount } = read<Payment>(message)
    await work(50, 150)
    trace.getActiveSpan()?.setAttributes({
      'shop.review.reason': String(message.headers?.['error']),
      'shop.review.amount': amount,
    })
  },
})
ready(topics.paymentsDeadLetter, async () => await consumer.disconnect())
