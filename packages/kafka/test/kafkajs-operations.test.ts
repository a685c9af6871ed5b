import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { trace } from '@opentelemetry/api'
import { processEach, traceKafkaJS } from '@spanlink/kafka'
import { useKafka } from '@spanlink/testkit/vitest'
import kafkajs from 'kafkajs'
import type { Message } from 'kafkajs'
import { expect, test } from 'vitest'
import { described, idOf, useRecordedSpans } from './support/recorded-spans.ts'

// What only kafkajs has, against a real broker.

const { Kafka, Partitioners, logLevel } = kafkajs
const kafka = useKafka()
const spans = useRecordedSpans()

const newClient = () =>
  traceKafkaJS(new Kafka({ brokers: kafka().brokers, clientId: 'suite', logLevel: logLevel.NOTHING }))

async function newTopic(partitions: number): Promise<string> {
  const topic = `t-${randomUUID()}`
  await kafka().createTopic(topic, { partitions })
  return topic
}

/** Reads `count` messages without tracing: what the broker really stored. */
async function stored(topic: string, count: number): Promise<Map<string, string>> {
  const consumer = new Kafka({ brokers: kafka().brokers, logLevel: logLevel.NOTHING }).consumer({
    groupId: `check-${topic}`,
    maxWaitTimeInMs: 50,
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const places = new Map<string, string>()
  const { promise, resolve } = Promise.withResolvers<void>()
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      places.set(String(message.key), `${partition}@${message.offset}`)
      if (places.size === count) resolve()
    },
  })
  await promise
  await consumer.disconnect()
  return places
}

test('partition and offset of each message of bulk sends are those the broker stored it at', async () => {
  const [a, b] = [await newTopic(3), await newTopic(2)]
  const producer = newClient().producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const messages = (from: number): Message[] =>
    Array.from({ length: 20 }, (_, i) => ({ key: `k${from + i}`, value: 'v' }))
  await producer.send({ topic: a, messages: messages(0) })
  await producer.sendBatch({
    topicMessages: [
      { topic: a, messages: messages(20) },
      { topic: b, messages: messages(0) },
      { topic: a, messages: messages(40) },
    ],
  })
  await producer.disconnect()
  for (const [topic, count] of [
    [a, 60],
    [b, 20],
  ] as const) {
    const told = new Map<unknown, string>()
    for (const span of spans.named(`send ${topic}`)) {
      for (const { attributes = {} } of span.links) {
        const partition = String(attributes['messaging.destination.partition.id'])
        told.set(attributes['kafka.message.key'], `${partition}@${Number(attributes['kafka.offset'])}`)
      }
    }
    expect(told).toEqual(await stored(topic, count))
  }
})

test('sends of a transaction are traced like others, and its result is the application’s', async () => {
  const topic = await newTopic(1)
  const producer = newClient().producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    transactionalId: `tx-${topic}`,
    maxInFlightRequests: 1,
    idempotent: true,
  })
  await producer.connect()
  const transaction = await producer.transaction()
  const [metadata] = await transaction.send({ topic, messages: [{ key: 'k', value: 'v' }] })
  await transaction.sendBatch({ topicMessages: [{ topic, messages: [{ key: 'l', value: 'v' }] }] })
  await transaction.commit()
  await producer.disconnect()
  expect(metadata).toMatchObject({ topicName: topic, partition: 0, baseOffset: '0' })
  expect(spans.named(`send ${topic}`).map((span) => span.attributes['kafka.offset'])).toEqual([0, 1])
})

test('processEach gives each message of a batch its span, and commits what was processed', async () => {
  const topic = await newTopic(1)
  const client = newClient()
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  await producer.send({ topic, messages: [{ value: '1' }, { value: '2' }, { value: '3' }] })
  await producer.disconnect()
  const groupId = `g-${topic}`
  const consumer = client.consumer({ groupId, maxWaitTimeInMs: 50 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const { promise, resolve } = Promise.withResolvers<void>()
  const active: (string | undefined)[] = []
  await consumer.run(
    processEach((message, { batch }) => {
      active.push(trace.getActiveSpan()?.spanContext().spanId)
      if (message.offset === batch.lastOffset()) resolve()
    }),
  )
  await promise
  await sleep(20)
  await consumer.disconnect()
  const single = spans.named(`process ${topic}`).filter((span) => span.attributes['kafka.offset'] !== undefined)
  expect(single.map((span) => span.spanContext().spanId)).toEqual(active)
  expect(single.map((span) => described(span).links.map((link) => link.to))).toEqual(
    spans.named(`create ${topic}`).map((span) => [idOf(span)]),
  )
  const admin = client.admin()
  await admin.connect()
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
  await admin.disconnect()
  expect(offsets?.partitions[0]?.offset).toBe('3')
})

test('commits that the application makes are settle spans below what they settle', async () => {
  const topic = await newTopic(1)
  const client = newClient()
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  await producer.send({ topic, messages: [{ value: '1' }] })
  const groupId = `g-${topic}`
  const consumer = client.consumer({ groupId, maxWaitTimeInMs: 50 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const { promise, resolve } = Promise.withResolvers<void>()
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      await consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }])
      resolve()
    },
  })
  await promise
  await consumer.disconnect()
  await producer.disconnect()
  const commit = described(spans.only(`commit ${topic}`))
  expect(commit).toMatchObject({ kind: 'CLIENT', parent: idOf(spans.only(`process ${topic}`)) })
  expect(commit.attributes).toMatchObject({
    'messaging.operation.type': 'settle',
    'messaging.destination.partition.id': '0',
    'messaging.consumer.group.name': groupId,
  })
})

test('a batch’s commit helper still commits, in a settle span when it is told what', async () => {
  const topic = await newTopic(1)
  const client = newClient()
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  await producer.send({ topic, messages: [{ value: '1' }, { value: '2' }] })
  await producer.disconnect()
  const groupId = `g-${topic}`
  const consumer = client.consumer({ groupId, maxWaitTimeInMs: 50 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const { promise, resolve } = Promise.withResolvers<void>()
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch, commitOffsetsIfNecessary, uncommittedOffsets }) => {
      await commitOffsetsIfNecessary()
      await commitOffsetsIfNecessary({
        topics: [
          { topic, partitions: [{ partition: batch.partition, offset: String(Number(batch.lastOffset()) + 1) }] },
        ],
      })
      uncommittedOffsets()
      resolve()
    },
  })
  await promise
  await consumer.disconnect()
  const admin = client.admin()
  await admin.connect()
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
  await admin.disconnect()
  expect(offsets?.partitions[0]?.offset).toBe('2')
  expect(described(spans.only(`commit ${topic}`)).parent).toBe(idOf(spans.only(`process ${topic}`)))
})

test('a transaction’s offsets, commit and abort are settle spans', async () => {
  const topic = await newTopic(1)
  const producer = newClient().producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    transactionalId: `tx-${topic}`,
    maxInFlightRequests: 1,
    idempotent: true,
  })
  await producer.connect()
  const committed = await producer.transaction()
  await committed.send({ topic, messages: [{ value: 'v' }] })
  await committed.sendOffsets({
    consumerGroupId: `g-${topic}`,
    topics: [{ topic, partitions: [{ partition: 0, offset: '1' }] }],
  })
  await committed.commit()
  const aborted = await producer.transaction()
  await aborted.send({ topic, messages: [{ value: 'v' }] })
  await aborted.abort()
  await producer.disconnect()
  const [sent] = spans.named(`send_offsets ${topic}`)
  expect(sent?.attributes).toMatchObject({
    'messaging.operation.type': 'settle',
    'messaging.consumer.group.name': `g-${topic}`,
    'messaging.destination.partition.id': '0',
  })
  expect(spans.only('commit_transaction').attributes['messaging.operation.name']).toBe('commit_transaction')
  expect(spans.only('abort_transaction').status.code).toBe(0)
})

test('spans say which cluster and which broker, without a connection of their own', async () => {
  const topic = await newTopic(1)
  const client = newClient()
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  await producer.send({ topic, messages: [{ value: '1' }] })
  await producer.disconnect()
  const consumer = client.consumer({ groupId: `g-${topic}`, maxWaitTimeInMs: 50 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const { promise, resolve } = Promise.withResolvers<void>()
  await consumer.run({ eachMessage: async () => resolve() })
  await promise
  await consumer.disconnect()
  const admin = client.admin()
  await admin.connect()
  const { clusterId, brokers } = await admin.describeCluster()
  await admin.disconnect()
  for (const name of [`send ${topic}`, `process ${topic}`]) {
    expect(spans.only(name).attributes).toMatchObject({
      'kafka.cluster.id': clusterId,
      'server.address': brokers[0]?.host,
      'server.port': brokers[0]?.port,
    })
  }
})
