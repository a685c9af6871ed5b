import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import type * as Confluent from '@confluentinc/kafka-javascript'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { Producer, stringSerializers } from '@platformatic/kafka'
import { KafkaInstrumentation } from '@spanlink/kafka/instrumentation'
import { useKafka } from '@spanlink/testkit/vitest'
import type * as KafkaJS from 'kafkajs'
import { afterEach, describe, expect, test } from 'vitest'
import { collectedMetrics } from './support/collected-metrics.ts'
import { nativeClient } from './support/native-client.ts'
import { recordedLogs } from './support/recorded-logs.ts'
import { described, useRecordedSpans } from './support/recorded-spans.ts'
import { InMemorySpanExporter, SDK_MAJOR, TracerProvider, exportAtOnce } from './support/sdk.ts'
import { waitUntil } from './support/wait.ts'

// Vitest's imports bypass Node's module hooks, so clients are loaded by require.
const require = createRequire(import.meta.url)

// The installed InstrumentationBase is for SDK 3; SDK 2 needs its 0.2xx versions.
describe.skipIf(SDK_MAJOR !== 3)('KafkaInstrumentation', () => {
  const kafka = useKafka()
  const spans = useRecordedSpans()
  let unregister = (): void => {}
  afterEach(() => unregister())

  const register = (...args: ConstructorParameters<typeof KafkaInstrumentation>): KafkaInstrumentation => {
    const instrumentation = new KafkaInstrumentation(...args)
    unregister = registerInstrumentations({ instrumentations: [instrumentation] })
    return instrumentation
  }
  const newTopic = async (): Promise<string> => {
    const topic = `t-${randomUUID()}`
    await kafka().createTopic(topic)
    return topic
  }
  const kafkaJS = () => {
    const { Kafka, Partitioners, logLevel } = require('kafkajs') as typeof KafkaJS
    const client = new Kafka({ brokers: kafka().brokers, clientId: 'app', logLevel: logLevel.NOTHING })
    return { client, producer: client.producer({ createPartitioner: Partitioners.DefaultPartitioner }) }
  }

  test('clients of modules that are loaded after registration are traced with the given configuration', async () => {
    register({ correlation: 'parent' })
    const topic = await newTopic()
    const { client, producer } = kafkaJS()
    await producer.connect()
    await producer.send({ topic, messages: [{ value: 'v' }] })
    const consumer = client.consumer({ groupId: `g-${topic}`, maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const { promise, resolve } = Promise.withResolvers<void>()
    await consumer.run({ eachMessage: async () => resolve() })
    await promise
    await Promise.all([producer.disconnect(), consumer.disconnect()])
    const process = described(spans.only(`process ${topic}`))
    expect(process.parent).toBe(process.links[0]?.to)
    expect(described(spans.only(`send ${topic}`)).kind).toBe('PRODUCER')
  })

  test('@platformatic/kafka is traced when it was imported before registration', async () => {
    register()
    const topic = await newTopic()
    const producer = new Producer({
      clientId: 'app',
      bootstrapBrokers: kafka().brokers,
      serializers: stringSerializers,
    })
    await producer.send({ messages: [{ topic, value: 'v' }] })
    await producer.close()
    expect(spans.named(`send ${topic}`)).toHaveLength(1)
  })

  test('disable() stops the telemetry of existing clients until enable() is called', async () => {
    const instrumentation = register()
    const topic = await newTopic()
    const { producer } = kafkaJS()
    await producer.connect()
    instrumentation.disable()
    await producer.send({ topic, messages: [{ value: 'v' }] })
    expect(spans.all()).toEqual([])
    instrumentation.enable()
    await producer.send({ topic, messages: [{ value: 'v' }] })
    await producer.disconnect()
    expect(spans.all().map((span) => span.name)).toEqual([`send ${topic}`])
  })

  test('spans go to the tracer provider of registerInstrumentations', async () => {
    const exporter = new InMemorySpanExporter()
    const tracerProvider = new TracerProvider({ spanProcessors: [exportAtOnce(exporter)] })
    unregister = registerInstrumentations({ instrumentations: [new KafkaInstrumentation()], tracerProvider })
    const topic = await newTopic()
    const { producer } = kafkaJS()
    await producer.connect()
    await producer.send({ topic, messages: [{ value: 'v' }] })
    await producer.disconnect()
    expect(exporter.getFinishedSpans().map((span) => span.name)).toEqual([`send ${topic}`])
    expect(spans.all()).toEqual([])
  })

  test('connection metrics and consumer events are emitted until disable() is called', async () => {
    await using collected = collectedMetrics()
    const logs = recordedLogs()
    const instrumentation = new KafkaInstrumentation()
    const providers = { meterProvider: collected.provider, loggerProvider: logs.provider }
    unregister = registerInstrumentations({ instrumentations: [instrumentation], ...providers })
    const topic = await newTopic()
    const { client, producer } = kafkaJS()
    await producer.connect()
    await producer.send({ topic, messages: [{ value: 'v' }] })
    const consumer = client.consumer({ groupId: `g-${topic}`, maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic] })
    await consumer.run({ eachMessage: async () => {} })
    await logs.first('kafka.consumer.partitions.assigned')
    const requests = async (name: string) =>
      (await collected.collect())
        .get('kafka.client.request.duration')
        ?.points.find(({ attributes }) => attributes['kafka.request.name'] === name)?.value
    expect((await collected.collect()).get('kafka.client.connects')?.points[0]?.value).toBeGreaterThanOrEqual(2)
    const produced = await requests('Produce')
    expect(produced).toBe(1)
    instrumentation.disable()
    await producer.send({ topic, messages: [{ value: 'v' }] })
    expect(await requests('Produce')).toBe(produced)
    const eventCount = logs.all().length
    await Promise.all([producer.disconnect(), consumer.disconnect()])
    expect(logs.all()).toHaveLength(eventCount)
    // Gauges such as open connections must still be updated.
    await waitUntil(async () => (await collected.collect()).get('kafka.client.connections')?.points[0]?.value === 0)
  })

  test.skipIf(nativeClient('@confluentinc/kafka-javascript').isMissing)(
    '@confluentinc/kafka-javascript is traced when it is loaded after registration',
    async () => {
      register()
      const topic = await newTopic()
      const { KafkaJS } = require('@confluentinc/kafka-javascript') as typeof Confluent
      const producer = new KafkaJS.Kafka({
        kafkaJS: { brokers: kafka().brokers, logLevel: KafkaJS.logLevel.NOTHING },
      }).producer()
      await producer.connect()
      await producer.send({ topic, messages: [{ value: 'v' }] })
      await producer.disconnect()
      expect(spans.named(`send ${topic}`)).toHaveLength(1)
    },
  )
})
