// orders -> payments. One message at a time: the handler runs inside the message's process span.
import './telemetry.ts'
import { trace } from '@opentelemetry/api'
import { kafka } from './kafka.ts'
import { ready } from './lifecycle.ts'
import { customerTier, read, topics, type Order, type Payment } from './messages.ts'
import { work } from './work.ts'

const consumer = kafka.consumer({ groupId: 'payment', maxWaitTimeInMs: 500 })
const producer = kafka.producer()
await consumer.connect()
await producer.connect()
await consumer.subscribe({ topic: topics.orders, fromBeginning: true })
await consumer.run({
  eachMessage: async ({ message }) => {
    const order = read<Order>(message)
    const payment = await charge(order)
    trace.getActiveSpan()?.setAttribute('shop.payment.status', payment.status)
    await producer.send({
      topic: topics.payments,
      messages: [{ key: order.orderId, value: JSON.stringify(payment) }],
    })
  },
})
ready(
  topics.orders,
  async () => await consumer.disconnect(),
  async () => await producer.disconnect(),
)

async function charge({ orderId, customer, amount }: Order): Promise<Payment> {
  await work(20, 80)
  const credit = customerTier() === 'gold' ? 20_000 : 8_000
  return { orderId, customer, amount, status: amount <= credit ? 'paid' : 'declined' }
}
