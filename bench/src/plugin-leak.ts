// Sends and processes a million messages, singly and in batches; prints the retained heap in bytes
// after each tenth.
// node --expose-gc plugin-leak.ts
import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import { traceKafkaJS } from '@spanlink/kafka'
import type { Kafka } from 'kafkajs'
import { batchPayload, delivered, fakeKafkaJS, messagePayload } from './plugin-fake-kafkajs.ts'
import type { FakeConsumer } from './plugin-fake-kafkajs.ts'

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

const nothing = { onStart() {}, onEnd() {}, forceFlush: async () => undefined, shutdown: async () => undefined }
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [nothing] }))
const meterProvider = new MeterProvider({ readers: [new Reader()] })
const { Kafka: FakeKafka } = fakeKafkaJS()
const kafka = traceKafkaJS(new FakeKafka() as unknown as Kafka, { meterProvider })
const producer = kafka.producer()
await producer.connect()
const each = kafka.consumer({ groupId: 'g' }) as FakeConsumer
const batches = kafka.consumer({ groupId: 'g' }) as FakeConsumer
await each.run({ eachMessage: async () => undefined })
await batches.run({ eachBatch: async () => undefined })
const { eachMessage } = each.given()
const { eachBatch } = batches.given()

const heap: number[] = []
const { gc } = globalThis as { gc?: () => void }
for (let tenth = 0; tenth < 10; tenth += 1) {
  for (let i = 0; i < 50_000; i += 1) {
    await producer.send({ topic: 'orders', messages: [{ key: String(i), value: 'v' }] })
    await eachMessage!(messagePayload(delivered(tenth * 50_000 + i, true)))
  }
  for (let i = 0; i < 100; i += 1) {
    await eachBatch!(batchPayload(Array.from({ length: 500 }, (_, n) => delivered(1e9 + i * 500 + n, true))))
  }
  gc?.()
  heap.push(process.memoryUsage().heapUsed)
}
process.stdout.write(JSON.stringify(heap))
