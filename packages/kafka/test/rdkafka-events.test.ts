import { randomUUID } from 'node:crypto'
import { Admin } from '@platformatic/kafka'
import type * as Confluent from '@confluentinc/kafka-javascript'
import { traceConfluent, traceRdkafka } from '@spanlink/kafka'
import { startKafka } from '@spanlink/testkit/kafka'
import { useKafka } from '@spanlink/testkit/vitest'
import { afterEach, describe, expect, test } from 'vitest'
import type { Rdkafka } from './behaviour/rdkafka-clients.ts'
import { nativeClient } from './support/native-client.ts'
import { recordedLogs } from './support/recorded-logs.ts'
import { waitUntil } from './support/wait.ts'

const confluent = nativeClient<typeof Confluent>('@confluentinc/kafka-javascript')
const nodeRdkafka = nativeClient<Rdkafka>('node-rdkafka')
const kafka = useKafka()

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

async function topicOf(partitions: number) {
  const topic = `t-${randomUUID()}`
  await kafka().createTopic(topic, { partitions })
  return { topic, groupId: `g-${topic}`, clientId: `c-${topic}` }
}

const consumerAttributes = (groupId: string, clientId: string) => ({
  'messaging.system.name': 'kafka',
  'messaging.consumer.group.name': groupId,
  'messaging.client.id': clientId,
})

const clients = { 'node-rdkafka': nodeRdkafka, 'the rdkafka API of Confluent’s client': confluent }

for (const [name, { client, isMissing }] of Object.entries(clients)) {
  describe.skipIf(isMissing)(`log records of ${name}`, () => {
    const connected = async (made: object): Promise<void> => {
      const client = made as Confluent.Producer
      await new Promise<void>((resolve, reject) => {
        client.connect({}, (error) => (error ? reject(new Error(error.message)) : resolve()))
      })
      closing.push(() => new Promise<void>((resolve) => client.disconnect(() => resolve())))
    }

    test('list partitions assigned and revoked, and the rebalance_cb of the application still runs', async () => {
      const logs = recordedLogs()
      const { topic, groupId, clientId } = await topicOf(2)
      const called: number[] = []
      const consumer = new client.KafkaConsumer(
        {
          'metadata.broker.list': kafka().brokers.join(),
          'client.id': clientId,
          'group.id': groupId,
          rebalance_cb(
            this: Confluent.KafkaConsumer,
            error: { readonly code: number },
            partitions: Confluent.Assignment[],
          ) {
            called.push(error.code)
            if (error.code === -175) this.assign(partitions)
            else this.unassign()
          },
        } as never,
        {},
      )
      traceRdkafka(consumer, { loggerProvider: logs.provider })
      await connected(consumer)
      consumer.setDefaultConsumeTimeout(50)
      consumer.subscribe([topic])
      consumer.consume()
      const assigned = await logs.first('kafka.consumer.partitions.assigned')
      expect(assigned).toMatchObject({
        severity: 'INFO',
        body: `2 partitions assigned, 2 held (group ${groupId})`,
        attributes: {
          ...consumerAttributes(groupId, clientId),
          'kafka.consumer.partitions': [`${topic}-0`, `${topic}-1`],
        },
      })
      consumer.unsubscribe()
      const revoked = await logs.first('kafka.consumer.partitions.revoked')
      expect(revoked.attributes).toMatchObject({
        'kafka.consumer.partitions.changed': 2,
        'kafka.consumer.partitions.held': 0,
      })
      expect(called).toEqual([-175, -174])
    })

    test('report rebalances from statistics without a rebalance_cb', async () => {
      const logs = recordedLogs()
      const { topic, groupId, clientId } = await topicOf(1)
      const consumer = new client.KafkaConsumer(
        {
          'metadata.broker.list': kafka().brokers.join(),
          'client.id': clientId,
          'group.id': groupId,
          'statistics.interval.ms': 50,
        },
        {},
      )
      traceRdkafka(consumer, { loggerProvider: logs.provider })
      await connected(consumer)
      consumer.setDefaultConsumeTimeout(50)
      consumer.subscribe([topic])
      consumer.consume()
      const rebalance = await logs.first('kafka.consumer.rebalance')
      expect(rebalance.attributes).toEqual(consumerAttributes(groupId, clientId))
    })

    test('report a throttled request and unavailable brokers', async () => {
      const logs = recordedLogs()
      const { topic, clientId } = await topicOf(1)
      const admin = new Admin({ clientId: 'admin', bootstrapBrokers: kafka().brokers })
      closing.push(() => admin.close())
      await admin.alterClientQuotas({
        entries: [
          {
            entities: [{ entityType: 'client-id', entityName: clientId }],
            ops: [{ key: 'producer_byte_rate', value: 1000, remove: false }],
          },
        ],
      })
      const producer = traceRdkafka(
        new client.Producer({ 'metadata.broker.list': kafka().brokers.join(), 'client.id': clientId }),
        { loggerProvider: logs.provider },
      )
      await connected(producer)
      producer.setPollInterval(10)
      // The broker applies a quota shortly after its response.
      const throttled = await waitUntil(() => {
        producer.produce(topic, null, Buffer.alloc(20_000, 'v'))
        return logs.named('kafka.client.throttled')[0]
      })
      const [host, port] = kafka().brokers[0]!.split(':')
      expect(throttled.attributes).toMatchObject({
        'messaging.client.id': clientId,
        'server.address': host,
        'server.port': Number(port),
        'kafka.throttle.duration': expect.any(Number),
      })
      expect(throttled.attributes['kafka.throttle.duration']).toBeGreaterThan(0)

      await using broker = await startKafka()
      const lonely = traceRdkafka(
        new client.Producer({ 'metadata.broker.list': broker.brokers.join(), 'client.id': 'lonely' }),
        { loggerProvider: logs.provider },
      )
      await connected(lonely)
      lonely.setPollInterval(10)
      await broker.stop()
      const down = await logs.first(
        'kafka.client.error',
        ({ attributes }) => attributes['error.type'] === 'ERR__ALL_BROKERS_DOWN',
      )
      expect(down).toMatchObject({ severity: 'WARN', attributes: { 'messaging.client.id': 'lonely' } })
    })
  })
}

describe.skipIf(confluent.isMissing)('log records of the KafkaJS API of Confluent’s client', () => {
  test('list partitions assigned and revoked in a rebalance without a rebalance_cb', async () => {
    const logs = recordedLogs()
    const { topic, groupId, clientId } = await topicOf(2)
    const { KafkaJS } = confluent.client
    const from = traceConfluent(
      new KafkaJS.Kafka({ kafkaJS: { brokers: kafka().brokers, clientId, logLevel: KafkaJS.logLevel.NOTHING } }),
      { loggerProvider: logs.provider },
    )
    const consumer = from.consumer({ kafkaJS: { groupId, maxWaitTimeInMs: 50 } })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic] })
    await consumer.run({ eachMessage: async () => {} })
    const assigned = await logs.first('kafka.consumer.partitions.assigned')
    expect(assigned.attributes).toMatchObject({
      ...consumerAttributes(groupId, clientId),
      'kafka.consumer.partitions': [`${topic}-0`, `${topic}-1`],
    })
    await consumer.disconnect()
    const revoked = await logs.first('kafka.consumer.partitions.revoked')
    expect(revoked.attributes['kafka.consumer.partitions.held']).toBe(0)
  })
})
