import { randomUUID } from 'node:crypto'
import { traceKafkaJS } from '@spanlink/kafka'
import type { KafkaTelemetryOptions } from '@spanlink/kafka'
import { Admin } from '@platformatic/kafka'
import { useKafka } from '@spanlink/testkit/vitest'
import kafkajs from 'kafkajs'
import type { Consumer } from 'kafkajs'
import { afterEach, expect, test } from 'vitest'
import { recordedLogs } from './support/recorded-logs.ts'
import { useRecordedSpans } from './support/recorded-spans.ts'
import { waitUntil } from './support/wait.ts'

const { Kafka, Partitioners, logLevel } = kafkajs
const kafka = useKafka()
const spans = useRecordedSpans()

const disconnects: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(disconnects.splice(0).map((disconnect) => disconnect()))
})

async function topicOf(partitions: number) {
  const topic = `t-${randomUUID()}`
  await kafka().createTopic(topic, { partitions })
  return { topic, groupId: `g-${topic}`, clientId: `c-${topic}` }
}

function client(clientId: string, options: KafkaTelemetryOptions) {
  const brokers = kafka().brokers
  return traceKafkaJS(new Kafka({ brokers, clientId, logLevel: logLevel.NOTHING }), options)
}

async function connected<C extends { connect(): Promise<void>; disconnect(): Promise<void> }>(made: C): Promise<C> {
  disconnects.push(() => made.disconnect())
  await made.connect()
  return made
}

async function consuming(
  consumer: Consumer,
  topic: string,
  eachMessage = async (): Promise<void> => {},
): Promise<void> {
  await connected(consumer)
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const joined = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve())
  })
  await consumer.run({ eachMessage })
  await joined
}

test('a rebalance emits events with the member and the partitions assigned or revoked', async () => {
  const logs = recordedLogs()
  const { topic, groupId, clientId } = await topicOf(2)
  const from = client(clientId, { loggerProvider: logs.provider })
  const consumer = () =>
    from.consumer({ groupId, heartbeatInterval: 50, maxWaitTimeInMs: 50, rebalanceTimeout: 10_000 })
  await consuming(consumer(), topic)
  const first = await logs.first('kafka.consumer.partitions.assigned')
  const memberId = first.attributes['kafka.consumer.member.id']
  expect(first).toMatchObject({
    severity: 'INFO',
    body: `2 partitions assigned, 2 held (group ${groupId})`,
    traceId: undefined,
    attributes: {
      'messaging.system.name': 'kafka',
      'messaging.consumer.group.name': groupId,
      'messaging.client.id': clientId,
      'kafka.consumer.member.id': expect.stringContaining(clientId),
      'kafka.consumer.is_leader': true,
      'kafka.consumer.partitions': [`${topic}-0`, `${topic}-1`],
      'kafka.consumer.partitions.changed': 2,
      'kafka.consumer.partitions.held': 2,
      'kafka.consumer.group_join.duration': expect.any(Number),
    },
  })

  await consuming(consumer(), topic)
  const rebalance = await logs.first('kafka.consumer.rebalance')
  expect(rebalance.attributes['kafka.consumer.member.id']).toBe(memberId)
  const revoked = await logs.first('kafka.consumer.partitions.revoked')
  expect(revoked.attributes).toMatchObject({
    'kafka.consumer.member.id': memberId,
    'kafka.consumer.partitions.changed': 1,
    'kafka.consumer.partitions.held': 1,
  })
  const others = await logs.first(
    'kafka.consumer.partitions.assigned',
    ({ attributes }) => attributes['kafka.consumer.member.id'] !== memberId,
  )
  expect(others.attributes['kafka.consumer.partitions']).toEqual(revoked.attributes['kafka.consumer.partitions'])
})

test('a consumer crash emits an event with the error and whether the client restarts', async () => {
  const logs = recordedLogs()
  const { topic, groupId, clientId } = await topicOf(1)
  const from = client(clientId, { loggerProvider: logs.provider })
  await consuming(from.consumer({ groupId, maxWaitTimeInMs: 50, retry: { retries: 0 } }), topic, async () => {
    throw new TypeError('no such order')
  })
  const producer = await connected(from.producer({ createPartitioner: Partitioners.DefaultPartitioner }))
  await producer.send({ topic, messages: [{ value: 'v' }] })
  const crash = await logs.first('kafka.consumer.crash')
  expect(crash.severity).toBe('ERROR')
  expect(crash.attributes).toMatchObject({
    'messaging.consumer.group.name': groupId,
    'error.type': expect.stringMatching(/^(TypeError|KafkaJS\w+)$/),
    'exception.message': expect.stringContaining('no such order'),
    'exception.stacktrace': expect.stringContaining('no such order'),
    'kafka.consumer.restarts': expect.any(Boolean),
  })
})

test('a failed commit emits an event in the trace of its settle span', async () => {
  const logs = recordedLogs()
  const { topic, groupId, clientId } = await topicOf(1)
  const consumer = client(clientId, { loggerProvider: logs.provider }).consumer({ groupId, maxWaitTimeInMs: 50 })
  await connected(consumer)
  await consumer.subscribe({ topics: [topic] })
  await consumer.run({ autoCommit: false, eachMessage: async () => {} })
  await logs.first('kafka.consumer.partitions.assigned')
  await expect(consumer.commitOffsets([{ topic, partition: 99, offset: '1' }])).rejects.toThrow('topic-partition')
  const failed = await logs.first('kafka.consumer.commit.failed')
  expect(failed.severity).toBe('WARN')
  expect(failed.attributes).toMatchObject({
    'messaging.destination.name': topic,
    'messaging.consumer.group.name': groupId,
    'error.type': 'UNKNOWN_TOPIC_OR_PARTITION',
  })
  expect(failed.traceId).toBe(spans.only(`commit ${topic}`).spanContext().traceId)
})

test('a throttled request emits an event with broker and throttle duration', async () => {
  const logs = recordedLogs()
  const { topic, clientId } = await topicOf(1)
  const admin = new Admin({ clientId: 'admin', bootstrapBrokers: kafka().brokers })
  disconnects.push(() => admin.close())
  await admin.alterClientQuotas({
    entries: [
      {
        entities: [{ entityType: 'client-id', entityName: clientId }],
        ops: [{ key: 'producer_byte_rate', value: 1000, remove: false }],
      },
    ],
  })
  const from = client(clientId, { loggerProvider: logs.provider })
  const producer = await connected(from.producer({ createPartitioner: Partitioners.DefaultPartitioner }))
  // The broker applies a quota shortly after its response.
  const throttled = await waitUntil(async () => {
    await producer.send({ topic, messages: [{ value: Buffer.alloc(20_000, 'v') }] })
    return logs.named('kafka.client.throttled')[0]
  })
  const [host, port] = kafka().brokers[0]!.split(':')
  expect(throttled).toMatchObject({
    severity: 'WARN',
    attributes: {
      'messaging.client.id': clientId,
      'server.address': host,
      'server.port': Number(port),
      'kafka.throttle.duration': expect.any(Number),
    },
  })
  expect(throttled.attributes['kafka.throttle.duration']).toBeGreaterThan(0)
})

test('with `events: false`, or without a logger provider, no events are emitted and no listeners added', async () => {
  const logs = recordedLogs()
  const { topic, groupId, clientId } = await topicOf(1)
  for (const options of [{ events: false, loggerProvider: logs.provider }, {}]) {
    const consumer = client(clientId, options).consumer({ groupId, maxWaitTimeInMs: 50 })
    const listened: string[] = []
    const { on } = consumer
    Object.assign(consumer, {
      on: (...args: Parameters<typeof on>) => {
        listened.push(args[0])
        return on(...args)
      },
    })
    await connected(consumer)
    expect(listened).toEqual([])
    await consuming(consumer, topic)
  }
  expect(logs.all()).toEqual([])
})
