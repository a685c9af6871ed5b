// Starts both services, places an order, waits until it has its price, and ends.
import { sdk } from './telemetry.ts'
import type { INestMicroservice } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { trace } from '@opentelemetry/api'
import kafkajs from 'kafkajs'
import { firstValueFrom } from 'rxjs'
import { PricesModule } from './prices.ts'
import { ShopModule, TOPICS, brokers, priced } from './shop.ts'
import { TracedClientKafka, TracedServerKafka } from './traced-transport.ts'

const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.ERROR }).admin()
await admin.connect()
await admin.createTopics({ topics: TOPICS.map((topic) => ({ topic, numPartitions: 1 })) })
await admin.disconnect()

const services = await Promise.all([open(ShopModule, 'shop'), open(PricesModule, 'prices')])

const orders = new TracedClientKafka({ client: { clientId: 'gateway', brokers }, producerOnlyMode: true })
await orders.connect()
await trace.getTracer('gateway').startActiveSpan('POST /orders', async (span) => {
  await firstValueFrom(orders.emit('nest-orders', { item: 'mug' }))
  span.end()
})

// The order's price comes back over two more topics.
await priced.promise
await orders.close()
await Promise.all(services.map((service) => service.close()))
await sdk.shutdown()

async function open(module: new () => object, name: string): Promise<INestMicroservice> {
  const service = await NestFactory.createMicroservice(module, {
    strategy: new TracedServerKafka({
      client: { clientId: name, brokers },
      consumer: { groupId: name, maxWaitTimeInMs: 100 },
      subscribe: { fromBeginning: true },
    }),
    logger: ['error'],
  })
  await service.listen()
  return service
}
