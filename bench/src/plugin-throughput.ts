// Messages per second through a real broker, in a separate process: 100 B messages, sent in batches
// of 100 and consumed with eachMessage.
// node plugin-throughput.ts none|ours|other BROKER TOPIC MESSAGES
import { createRequire } from 'node:module'
import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { KafkaJsInstrumentation } from '@opentelemetry/instrumentation-kafkajs'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import { traceKafkaJS } from '@spanlink/kafka'

const [variant, broker = '', topic = '', count = '0'] = process.argv.slice(2)
const messages = Number(count)
const PER_SEND = 100

const nothing = { onStart() {}, onEnd() {}, forceFlush: async () => undefined, shutdown: async () => undefined }
if (variant !== 'none') {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [nothing] }))
  if (variant === 'other') new KafkaJsInstrumentation().enable()
}
// Loaded by `require` after the instrumentation, because the other plugin hooks `require`.
const { Kafka, Partitioners, logLevel } = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs')
const kafka = new Kafka({ brokers: [broker], clientId: 'bench', logLevel: logLevel.NOTHING })
if (variant === 'ours') traceKafkaJS(kafka)

const value = Buffer.alloc(100, 'v')
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
await producer.connect()
const sendStarted = performance.now()
for (let sent = 0; sent < messages; sent += PER_SEND) {
  await producer.send({
    topic,
    messages: Array.from({ length: PER_SEND }, (_, i) => ({ key: String(sent + i), value })),
  })
}
const sendSeconds = (performance.now() - sendStarted) / 1000
await producer.disconnect()

const consumer = kafka.consumer({ groupId: `g-${variant}-${Date.now()}`, maxWaitTimeInMs: 20 })
await consumer.connect()
await consumer.subscribe({ topics: [topic], fromBeginning: true })
const { promise, resolve } = Promise.withResolvers<number>()
let seen = 0
let began = 0
await consumer.run({
  eachMessage: async () => {
    if (seen === 0) began = performance.now()
    seen += 1
    if (seen === messages) resolve((performance.now() - began) / 1000)
  },
})
const consumeSeconds = await promise
await consumer.disconnect()
process.stdout.write(JSON.stringify({ sent: messages / sendSeconds, consumed: messages / consumeSeconds }))
