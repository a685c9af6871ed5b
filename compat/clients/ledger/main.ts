// The last consumer of every client's output, traced by @spanlink/kafka.
import { traceKafkaJS } from '@spanlink/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { startTelemetry } from '../telemetry.ts'

const { KAFKA_BROKERS = '', GROUP = '', OUTPUT_TOPICS = '' } = process.env
const sdk = startTelemetry()
const brokers = KAFKA_BROKERS.split(',')
const kafka = traceKafkaJS(new Kafka({ clientId: 'ledger', brokers, logLevel: logLevel.ERROR }))
const consumer = kafka.consumer({ groupId: GROUP })
await consumer.connect()
await consumer.subscribe({ topics: OUTPUT_TOPICS.split(','), fromBeginning: true })
await consumer.run({
  autoCommit: false,
  eachMessage: async ({ topic, partition, message }) => {
    await consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }])
  },
})

process.once('SIGTERM', () => void stop())

async function stop(): Promise<void> {
  await consumer.disconnect()
  await sdk.shutdown()
}
