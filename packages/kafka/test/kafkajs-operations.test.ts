import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { trace } from '@opentelemetry/api'
import { processEach, traceKafkaJS } from '@spanlink/kafka'
import { useKafka } from '@spanlink/testkit/vitest'
import kafkajs from 'kafkajs'
import type { Message } from 'kafkajs'
import { expect, test } from 'vitest'
import { described, idOf, useRecordedSpans } from './support/recorded-spans.ts'

// Operations specific to kafkajs, on a real broker.

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

/** Partition and offset of each key as the broker stored them, read without tracing. */
async function stored(topic: string, count: number): Promise<Map<string, string>> {
  const consumer = new Kafka({ brokers: kafka().brokers, logLevel: logLevel.NOTHING }).consumer({
    groupId: `check-${topic}`,
    maxWaitTimeInMs: 50,
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const offsets = new Map<string, string>()
  const { promise, resolve } = Promise.withResolvers<void>()
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      offsets.set(String(message.key), `${partition}@${message.offset}`)
      if (offsets.size === count) resolve()
    },
  })
  await promise
  await consumer.disconnect()
  return offsets
}

test('each message of a bulk send has the partition and offset at which the broker stored it', async () => {
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
    const traced = new Map<unknown, string>()
    for (const span of spans.named(`send ${topic}`)) {
      for (const { attributes = {} } of span.links) {
        const partition = String(attributes['messaging.destination.partition.id'])
        traced.set(attributes['kafka.message.key'], `${partition}@${Number(attributes['kafka.offset'])}`)
      }
    }
    expect(traced).toEqual(await stored(topic, count))
  }
})

test('sends in a transaction are traced like others and return their metadata', async () => {
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

test('processEach gives each message of a batch its own span and commits processed offsets', async () => {
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

test('commitOffsets is a settle span below the process span', async () => {
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

test('commitOffsetsIfNecessary still commits, in a settle span when offsets are passed', async () => {
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
    eachBatch: async ({ batch, commitOffsetsIfNecessary, resolveOffset, uncommittedOffsets }) => {
      await commitOffsetsIfNecessary()
      resolveOffset(batch.lastOffset())
      // Its partitions are text.
      await commitOffsetsIfNecessary(uncommittedOffsets())
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
  expect(described(spans.only(`commit ${topic}`))).toMatchObject({
    parent: idOf(spans.only(`process ${topic}`)),
    attributes: { 'messaging.destination.name': topic, 'messaging.destination.partition.id': '0' },
  })
})

test('sendOffsets, commit and abort of a transaction are settle spans', async () => {
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

test('spans have the cluster id and the broker address', async () => {
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
