// One case of `npm run bench:plugin`, in a separate process so that optimised code and garbage of
// other cases do not affect it.
// node --expose-gc plugin-case.ts VARIANT SAMPLING OPERATION
import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import { KafkaJsInstrumentation } from '@opentelemetry/instrumentation-kafkajs'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { AlwaysOffSampler, AlwaysOnSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import { traceKafkaJS } from '@spanlink/kafka'
import type { Kafka, Message } from 'kafkajs'
import { batchPayload, delivered, fakeKafkaJS, messagePayload } from './plugin-fake-kafkajs.ts'
import type { FakeConsumer } from './plugin-fake-kafkajs.ts'
import { rawBatch, rawProcess, rawSend } from './plugin-raw-spans.ts'

const [variant = '', sampling = '', operation = ''] = process.argv.slice(2)
const isSampled = sampling !== 'unsampled'
const BATCH = 500

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

const nothing = { onStart() {}, onEnd() {}, forceFlush: async () => undefined, shutdown: async () => undefined }
const meterProvider = sampling === 'metrics' ? new MeterProvider({ readers: [new Reader()] }) : undefined
const sampler = isSampled ? new AlwaysOnSampler() : new AlwaysOffSampler()
const tracerProvider = new TracerProvider({ sampler, spanProcessors: [nothing] })
if (sampling !== 'no-sdk') {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  )
  trace.setGlobalTracerProvider(tracerProvider)
}

const one = await operationOf()
const perCall = operation === 'eachBatch' ? BATCH : 1
process.stdout.write(JSON.stringify(await measure(one, perCall)))

async function operationOf(): Promise<(i: number) => Promise<unknown>> {
  const module = fakeKafkaJS()
  if (variant === 'other') instrumentationOf(module)
  const kafka = new module.Kafka() as unknown as Kafka
  if (variant === 'ours') traceKafkaJS(kafka, { clientId: 'bench', meterProvider })
  const tracer = trace.getTracer('raw')
  if (operation === 'send') {
    const producer = kafka.producer()
    await producer.connect()
    const send = (message: Message) => producer.send({ topic: 'orders', messages: [message] })
    const message = (): Message => ({ key: 'order-12345678', value: 'v' })
    return variant === 'raw' ? () => rawSend(tracer, message(), send) : () => send(message())
  }
  const consumer = kafka.consumer({ groupId: 'g' }) as FakeConsumer
  await consumer.connect()
  const handle = async (): Promise<void> => undefined
  await consumer.run(operation === 'eachMessage' ? { eachMessage: handle } : { eachBatch: handle })
  const { eachMessage, eachBatch } = consumer.given()
  if (operation === 'eachMessage') {
    const deliver = (i: number) => messagePayload(delivered(i, isSampled))
    if (variant === 'raw') return (i) => rawProcess(tracer, deliver(i).message, handle)
    return (i) => eachMessage!(deliver(i))
  }
  const deliver = (i: number) => {
    const shared = { firstOffset: String(i * BATCH) }
    return batchPayload(Array.from({ length: BATCH }, (_, offset) => delivered(i * BATCH + offset, isSampled, shared)))
  }
  if (variant === 'raw') return (i) => rawBatch(tracer, deliver(i).batch.messages, handle)
  return (i) => eachBatch!(deliver(i))
}

function instrumentationOf(module: object): void {
  const instrumentation = new KafkaJsInstrumentation({ enabled: false })
  instrumentation.setTracerProvider(trace.getTracerProvider())
  if (meterProvider) instrumentation.setMeterProvider(meterProvider)
  // Patches as the loader hook does with the real module.
  const { patch } = Reflect.get(instrumentation, 'init').call(instrumentation) as { patch(module: object): void }
  patch(module)
}

/**
 * CPU time, GC included, of the fastest of several rounds, because the machine is shared. Bytes are
 * allocated per thousand messages before any GC.
 */
async function measure(call: (i: number) => Promise<unknown>, messages: number) {
  const calls = Math.ceil(20_000 / messages)
  let i = 0
  let nanoseconds = Number.POSITIVE_INFINITY
  for (let round = 0; round < 24; round += 1) {
    const started = process.cpuUsage()
    for (let n = 0; n < calls; n += 1) await call(i++)
    const { user, system } = process.cpuUsage(started)
    const took = ((user + system) * 1000) / (calls * messages)
    if (round >= 8) nanoseconds = Math.min(nanoseconds, took)
  }
  const { gc } = globalThis as { gc?: () => void }
  gc?.()
  const before = process.memoryUsage().heapUsed
  const few = Math.ceil(1_000 / messages)
  for (let n = 0; n < few; n += 1) await call(i++)
  const bytes = (process.memoryUsage().heapUsed - before) / (few * messages)
  return { nanoseconds, bytes }
}
