// payments + stock -> a parcel, once an order has both. One consumer of two topics.
import './telemetry.ts'
import { trace } from '@opentelemetry/api'
import { kafka } from './kafka.ts'
import { ready } from './lifecycle.ts'
import { customerTier, read, topics, type Payment, type Stock } from './messages.ts'
import { work } from './work.ts'

/** Orders that have one of the two, by id. */
const waiting = new Map<string, string>()

const consumer = kafka.consumer({ groupId: 'shipping', maxWaitTimeInMs: 500 })
await consumer.connect()
await consumer.subscribe({ topics: [topics.payments, topics.stock], fromBeginning: true })
await consumer.run({
  eachMessage: async ({ topic, message }) => {
    const { orderId, status } = read<Payment | Stock>(message)
    const span = trace.getActiveSpan()
    if (status !== 'paid' && status !== 'reserved') {
      span?.addEvent('will not ship', { 'shop.reason': status })
      return
    }
    const other = waiting.get(orderId)
    if (other === undefined || other === topic) {
      waiting.set(orderId, topic)
      return
    }
    waiting.delete(orderId)
    await work(15, 60)
    span?.setAttribute('shop.shipping.method', customerTier() === 'gold' ? 'express' : 'standard')
  },
})
ready(`${topics.payments} ${topics.stock}`, async () => await consumer.disconnect())
