// Sends three orders in one call, packs each, and ends.
import { sdk } from './telemetry.ts'
import { trace } from '@opentelemetry/api'
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { tracePlatformatic } from '@spanlink/kafka'

const topic = 'platformatic-orders'

// The one line that traces: every client of the process.
const tracing = tracePlatformatic()

const common = {
  clientId: 'orders',
  bootstrapBrokers: (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(','),
  // A broker that has only just started knows no group coordinator for a moment.
  retries: 30,
  retryDelay: 100,
}

const admin = new Admin(common)
const known = await admin.listTopics()
if (!known.includes(topic)) await admin.createTopics({ topics: [topic], partitions: 1 })
await admin.close()

const producer = new Producer({ ...common, serializers: stringSerializers })
await producer.send({
  messages: ['mug', 'tea', 'spoon'].map((item, i) => ({ topic, key: `order-${i}`, value: item })),
})
await producer.close()

const consumer = new Consumer({
  ...common,
  groupId: `packing-${Date.now()}`,
  deserializers: stringDeserializers,
  maxWaitTime: 500,
})
const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false })

// Each message has a process span from here to the next one; what runs inside of `process` is below
// it.
for await (const message of tracing.iterate(stream)) {
  await tracing.process(message, async () => {
    trace.getActiveSpan()?.setAttribute('app.item', String(message.value))
    process.stdout.write(`packed ${String(message.value)}\n`)
    await message.commit()
  })
  if (message.value === 'spoon') break
}
await consumer.close(true)

await sdk.shutdown()
