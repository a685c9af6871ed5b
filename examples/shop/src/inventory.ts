// orders -> stock. A second consumer group of the same topic: the send span of an order has a link
// from each.
import './telemetry.ts'
import { kafka } from './kafka.ts'
import { ready } from './lifecycle.ts'
import { read, topics, type Order, type Stock } from './messages.ts'
import { work } from './work.ts'

const consumer = kafka.consumer({ groupId: 'inventory', maxWaitTimeInMs: 500 })
const producer = kafka.producer()
await consumer.connect()
await producer.connect()
await consumer.subscribe({ topic: topics.orders, fromBeginning: true })
await consumer.run({
  eachMessage: async ({ message }) => {
    const stock = await reserve(read<Order>(message))
    await producer.send({ topic: topics.stock, messages: [{ key: stock.orderId, value: JSON.stringify(stock) }] })
  },
})
ready(
  topics.orders,
  async () => await consumer.disconnect(),
  async () => await producer.disconnect(),
)

async function reserve({ orderId, items }: Order): Promise<Stock> {
  await work(10, 40)
  return { orderId, status: items.every(({ count }) => count <= 100) ? 'reserved' : 'out-of-stock' }
}
