import { setTimeout as sleep } from 'node:timers/promises'
import type * as Confluent from '@confluentinc/kafka-javascript'
import type { KafkaJS } from '@confluentinc/kafka-javascript'
import { trace } from '@opentelemetry/api'
import kafkajs from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { traceConfluent } from '@spanlink/kafka'
import { useConfluent } from './behaviour/confluent-broker.ts'
import { nativeClient } from './support/native-client.ts'
import { described, idOf, useRecordedSpans } from './support/recorded-spans.ts'
import { waitFor } from './support/wait.ts'

// Behaviour specific to Confluent's consumer and transactions, on a real broker.

const { client: confluent, isMissing } = nativeClient<typeof Confluent>('@confluentinc/kafka-javascript')

describe.skipIf(isMissing)('@confluentinc/kafka-javascript, KafkaJS API, consumer', () => {
  const { brokers, newKafka, newTopic, connected, subscribed } = useConfluent(confluent)
  const spans = useRecordedSpans()

  test('eachBatch runs, and with both handlers the client calls the one it calls without tracing', async () => {
    const topic = await newTopic()
    await using producer = await connected()
    await producer.send({ topic, messages: [{ value: '1' }, { value: '2' }] })
    const called: string[] = []
    for (const handlers of [['eachBatch'], ['eachMessage', 'eachBatch']]) {
      await using consumer = await subscribed(topic)
      const { promise, resolve } = Promise.withResolvers<void>()
      const handler = (name: string) => async (): Promise<void> => {
        called.push(name)
        resolve()
      }
      const config = Object.freeze(Object.fromEntries(handlers.map((name) => [name, handler(name)])))
      await consumer.run(config)
      await promise
    }
    expect(called[0]).toBe('eachBatch')
    expect(called.slice(called.lastIndexOf('eachBatch') + 1)).toContain('eachMessage')
  })

  test('a handler error that the client only logs is recorded on the span', async () => {
    const topic = await newTopic()
    await using producer = await connected()
    await producer.send({ topic, messages: [{ value: 'v' }] })
    await using consumer = await subscribed(topic)
    const { promise, resolve } = Promise.withResolvers<void>()
    let attempts = 0
    await consumer.run({
      // Thrown synchronously, too.
      eachBatch: () => {
        attempts += 1
        if (attempts === 1) throw new TypeError('no such order')
        resolve()
        return Promise.resolve()
      },
    })
    await promise
    await sleep(1)
    const [failed, succeeded] = spans.named(`process ${topic}`)
    expect(failed!.attributes['error.type']).toBe('TypeError')
    expect(succeeded!.status.code).toBe(0)
  })

  test('messages of concurrently consumed partitions each have their own context', async () => {
    const topic = await newTopic(3)
    await using producer = await connected()
    await producer.send({ topic, messages: [0, 1, 2].map((partition) => ({ value: 'v', partition })) })
    await using consumer = await subscribed(topic)
    const active = new Map<string, string | undefined>()
    const { promise, resolve } = Promise.withResolvers<void>()
    await consumer.run({
      partitionsConsumedConcurrently: 3,
      eachMessage: async ({ partition }) => {
        await sleep(20)
        active.set(String(partition), trace.getActiveSpan()?.spanContext().spanId)
        if (active.size === 3) resolve()
      },
    })
    await promise
    await sleep(20)
    const spanIds = spans
      .named(`process ${topic}`)
      .map((span) => [span.attributes['messaging.destination.partition.id'], span.spanContext().spanId])
    expect(new Map(spanIds as [string, string][])).toEqual(active)
  })

  test('a traced client is the original object, so methods that use its private state work', async () => {
    const from = traceConfluent(newKafka())
    expect(from).toBeInstanceOf(confluent.KafkaJS.Kafka)
    const producer = from.producer()
    await producer.connect()
    const admin = producer.dependentAdmin()
    await admin.connect()
    expect(await admin.listTopics()).toEqual(expect.any(Array))
    expect(producer.logger()).toBeDefined()
    expect(producer.isActive()).toBe(false)
    await admin.disconnect()
    await producer.disconnect()
    // run rejects with the client's own errors.
    const consumer = from.consumer({ kafkaJS: { groupId: 'g' } })
    await expect(consumer.run({ eachMessage: async () => {} })).rejects.toThrow('Run must be called after')
    await consumer.connect()
    await expect(consumer.run({ autoCommit: true } as KafkaJS.ConsumerRunConfig)).rejects.toThrow('autoCommit')
    await consumer.disconnect()
  })

  test('sends in a transaction are traced once, and its offsets, commit and abort are settle spans', async () => {
    const [from, to] = [await newTopic(), await newTopic()]
    await using plain = await connected()
    await plain.send({ topic: from, messages: [{ value: 'v' }] })
    await using producer = await connected(undefined, { kafkaJS: { transactionalId: `tx-${to}` } })
    await using consumer = await subscribed(from)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    await consumer.run({
      eachMessage: async ({ topic, partition, message }) => {
        const transaction = await producer.transaction()
        try {
          await transaction.send({ topic: to, messages: [{ value: message.value }] })
          const partitions = [{ partition, offset: String(Number(message.offset) + 1) }]
          await transaction.sendOffsets({ consumer, topics: [{ topic, partitions }] })
          await transaction.commit()
          resolve()
        } catch (error) {
          await transaction.abort()
          reject(error as Error)
        }
      },
    })
    await promise
    await sleep(20)
    await (await producer.transaction()).abort()
    await expect(producer.commit()).rejects.toThrow('no transaction ongoing')
    await sleep(1)
    const process = spans.only(`process ${from}`)
    expect(described(spans.only(`send ${to}`)).parent).toBe(idOf(process))
    const offsets = spans.only(`send_offsets ${from}`)
    expect(described(offsets)).toMatchObject({ kind: 'CLIENT', parent: idOf(process) })
    expect(offsets.attributes['messaging.destination.partition.id']).toBe('0')
    const [commit, rejected] = spans.named('commit_transaction')
    expect(described(commit!).parent).toBe(idOf(process))
    expect(rejected!.attributes['error.type']).toBe('ERR__STATE')
    expect(spans.only('abort_transaction').status.code).toBe(0)
  })

  test('commitOffsets is a settle span below the process span', async () => {
    const topic = await newTopic()
    await using producer = await connected()
    await producer.send({ topic, messages: [{ value: 'v' }] })
    await using consumer = await subscribed(topic)
    const { promise, resolve } = Promise.withResolvers<void>()
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        await consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }])
        resolve()
      },
    })
    await promise
    await sleep(20)
    const commit = described(spans.only(`commit ${topic}`))
    expect(commit.parent).toBe(idOf(spans.only(`process ${topic}`)))
    expect(commit.attributes).toMatchObject({
      'messaging.operation.type': 'settle',
      'messaging.consumer.group.name': expect.stringMatching(/^g-/),
      'messaging.client.id': 'suite',
    })
  })

  test('commitOffsetsIfNecessary is a settle span without autocommit, and makes no span with it', async () => {
    for (const autoCommit of [true, false]) {
      const topic = await newTopic()
      await using producer = await connected()
      await producer.send({ topic, messages: [{ value: 'v' }] })
      await using consumer = await subscribed(topic, undefined, autoCommit)
      const { promise, resolve } = Promise.withResolvers<void>()
      await consumer.run({
        eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary }) => {
          resolveOffset(batch.lastOffset())
          await commitOffsetsIfNecessary()
          resolve()
        },
      })
      await promise
      await waitFor(() => expect(spans.named(`process ${topic}`)).toHaveLength(1))
      const commits = spans.named('commit').map(described)
      expect(commits.map(({ parent }) => parent)).toEqual(autoCommit ? [] : [idOf(spans.only(`process ${topic}`))])
    }
  })

  test('empty, malformed, repeated or binary headers of another client lose no message and no valid context', async () => {
    const topic = await newTopic()
    const other = new kafkajs.Kafka({ brokers: brokers(), logLevel: kafkajs.logLevel.NOTHING }).producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    })
    await other.connect()
    const ids = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']
    const traceparent = `00-${ids.join('-')}-01`
    const sent: kafkajs.Message[] = [
      { value: 'none' },
      { value: 'malformed', headers: { traceparent: 'text', tracestate: '' } },
      { value: 'repeated', headers: { traceparent: ['stale', traceparent] } },
      { value: 'binary', headers: { TraceParent: Buffer.from(traceparent), bytes: Buffer.from([0, 255, 128]) } },
    ]
    await other.send({ topic, messages: sent })
    await other.disconnect()
    await using consumer = await subscribed(topic)
    const { promise, resolve } = Promise.withResolvers<void>()
    const values: string[] = []
    await consumer.run({
      eachMessage: async ({ message }) => {
        if (values.push(String(message.value)) === sent.length) resolve()
      },
    })
    await promise
    await sleep(20)
    expect(values).toEqual(['none', 'malformed', 'repeated', 'binary'])
    const linked = spans.named(`process ${topic}`).map((span) => span.links.map((link) => idOf(link.context)))
    expect(linked).toEqual([[], [], [ids.join('-')], [ids.join('-')]])
  })

  test('a span that was active when run was called is not the parent of later messages', async () => {
    const topic = await newTopic()
    await using producer = await connected()
    await producer.send({ topic, messages: [{ value: 'v' }] })
    await using consumer = await subscribed(topic)
    const { promise, resolve } = Promise.withResolvers<void>()
    await trace
      .getTracer('test')
      .startActiveSpan('startup', (startup) =>
        consumer.run({ eachMessage: async () => resolve() }).finally(() => startup.end()),
      )
    await promise
    await sleep(20)
    expect(spans.only(`process ${topic}`).parentSpanContext).toBeUndefined()
  })

  test('client id and group come from the merged configuration, also under the librdkafka names', async () => {
    const topic = await newTopic()
    const from = traceConfluent(
      new confluent.KafkaJS.Kafka({
        'bootstrap.servers': brokers().join(),
        'client.id': 'native',
        log_level: 0,
      }),
    )
    const producer = from.producer()
    await producer.connect()
    await producer.send({ topic, messages: [{ value: 'v' }] })
    await producer.disconnect()
    const consumer = from.consumer({ 'group.id': 'native-group', 'auto.offset.reset': 'earliest' })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic] })
    const { promise, resolve } = Promise.withResolvers<void>()
    await consumer.run({ eachMessage: async () => resolve() })
    await promise
    await consumer.disconnect()
    expect(spans.only(`send ${topic}`).attributes['messaging.client.id']).toBe('native')
    expect(spans.only(`process ${topic}`).attributes).toMatchObject({
      'messaging.client.id': 'native',
      'messaging.consumer.group.name': 'native-group',
    })
  })

  test('every Kafka instance is traced, once, when the module is passed', async () => {
    const topic = await newTopic()
    const { prototype } = confluent.KafkaJS.Kafka
    const { producer: makeProducer, consumer: makeConsumer } = prototype
    try {
      expect(traceConfluent(confluent)).toBe(confluent)
      const producer = traceConfluent(newKafka()).producer()
      await producer.connect()
      await producer.send({ topic, messages: [{ value: 'v' }] })
      await producer.disconnect()
      expect(spans.named(`send ${topic}`)).toHaveLength(1)
    } finally {
      Object.assign(prototype, { producer: makeProducer, consumer: makeConsumer })
    }
  })
})
