import { randomUUID } from 'node:crypto'
import {
  Admin,
  Consumer,
  MessagesStreamModes,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka'
import { tracePlatformatic } from '@spanlink/kafka'
import type { KafkaTelemetryOptions } from '@spanlink/kafka'
import { useOwnKafka } from '@spanlink/testkit/vitest'
import { afterEach, describe, expect, test } from 'vitest'
import { closeClient, withoutUncaughtErrors } from './support/close-client.ts'
import { collectedMetrics } from './support/collected-metrics.ts'
import { recordedLogs } from './support/recorded-logs.ts'
import { waitFor, waitUntil } from './support/wait.ts'

const kafka = useOwnKafka()
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

const SYSTEM = { 'messaging.system.name': 'kafka' }

async function traced(options: KafkaTelemetryOptions, partitions = 1) {
  const tracing = tracePlatformatic(options)
  closing.push(() => tracing.disable())
  const topic = `t-${randomUUID()}`
  await kafka().createTopic(topic, { partitions })
  const groupId = `g-${topic}`
  const clientId = `c-${topic}`
  const common = { clientId, bootstrapBrokers: kafka().brokers }
  const producer = (): Producer<string, string, string, string> => {
    const made = new Producer({ ...common, serializers: stringSerializers })
    closing.push(() => closeClient(made))
    return made
  }
  const consumer = (more: object = {}): Consumer<string, string, string, string> => {
    const made = new Consumer({
      ...common,
      groupId,
      deserializers: stringDeserializers,
      heartbeatInterval: 50,
      ...more,
    })
    closing.push(() => closeClient(made))
    return made
  }
  return { topic, groupId, clientId, common, producer, consumer }
}

describe('metrics of clients of @platformatic/kafka', () => {
  test('include connections, requests, bytes, group, batches, lag and buffered messages', async () => {
    await using collected = collectedMetrics()
    const { topic, groupId, ...make } = await traced({ meterProvider: collected.provider })
    const ofTopic = { ...SYSTEM, 'messaging.destination.name': topic, 'messaging.consumer.group.name': groupId }
    const ofGroup = { ...SYSTEM, 'messaging.consumer.group.name': groupId }
    const producer = make.producer()
    await producer.send({ messages: ['1', '2', '3', '4'].map((value) => ({ topic, value })) })
    const consumer = make.consumer()
    const stream = withoutUncaughtErrors(
      await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, maxWaitTime: 50 }),
    )
    for await (const message of stream) {
      if (message.offset < 1n) continue
      break
    }
    const found = await waitUntil(async () => {
      const now = await collected.collect()
      return now.has('kafka.consumer.lag') && now.get('kafka.client.request.duration') && now
    })
    expect(found.get('kafka.consumer.batches')?.points).toEqual([{ attributes: ofTopic, value: expect.any(Number) }])
    expect(found.get('kafka.consumer.lag')?.points).toEqual([{ attributes: ofTopic, value: 0 }])
    expect(found.get('kafka.consumer.group_join.duration')?.points).toEqual([{ attributes: ofGroup, value: 1 }])
    expect(found.get('kafka.consumer.buffered.messages')?.points[0]?.attributes).toEqual(ofGroup)
    const [host, port] = kafka().brokers[0]!.split(':')
    const broker = { ...SYSTEM, 'server.address': host, 'server.port': Number(port) }
    expect(found.get('kafka.client.connects')?.points).toEqual([{ attributes: broker, value: expect.any(Number) }])
    expect(found.get('kafka.client.connects')!.points[0]!.value).toBeGreaterThanOrEqual(2)
    const io = found.get('kafka.client.io')!.points
    expect(io.map(({ attributes }) => attributes['network.io.direction']).toSorted()).toEqual(['receive', 'transmit'])
    expect(io.every(({ value }) => value > 500)).toBe(true)
    const requests = found.get('kafka.client.request.duration')!.points
    expect(requests.map(({ attributes }) => attributes['kafka.request.name'])).toEqual(
      expect.arrayContaining(['Produce', 'Fetch', 'JoinGroup', 'SyncGroup', 'Metadata', 'ApiVersions']),
    )
    expect(requests[0]?.attributes).toMatchObject(broker)

    await consumer.commit({ offsets: [{ topic, partition: 0, offset: 1n, leaderEpoch: -1 }] })
    expect((await collected.collect()).get('kafka.consumer.commits')?.points).toEqual([
      { attributes: ofGroup, value: expect.any(Number) },
    ])
    await consumer.close(true)
    await producer.close()
    const closed = await waitUntil(async () => {
      const later = await collected.collect()
      return later.get('kafka.client.connections')?.points[0]?.value === 0 && later
    })
    expect(closed.get('kafka.client.disconnects')?.points).toEqual(found.get('kafka.client.connects')?.points)
    expect(closed.get('kafka.consumer.buffered.messages')?.points).toEqual([{ attributes: ofGroup, value: 0 }])
  })

  test('have the lag behind the committed offset when the application calls getLag', async () => {
    await using collected = collectedMetrics()
    const { topic, ...make } = await traced({ meterProvider: collected.provider })
    await make.producer().send({ messages: ['1', '2', '3'].map((value) => ({ topic, value })) })
    const consumer = make.consumer()
    const stream = withoutUncaughtErrors(
      await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, autocommit: false }),
    )
    for await (const message of stream) {
      await message.commit()
      await consumer.getLag({ topics: [topic] })
      break
    }
    const [lag] = (await collected.collect()).get('kafka.consumer.lag')!.points
    expect(lag?.value).toBe(2)
  })

  test('count a refused connection as a connection attempt with its error', async () => {
    await using collected = collectedMetrics()
    const { topic } = await traced({ meterProvider: collected.provider })
    const producer = new Producer({ clientId: 'c', bootstrapBrokers: ['127.0.0.1:1'], retries: 1, retryDelay: 1 })
    closing.push(() => closeClient(producer))
    await expect(producer.send({ messages: [{ topic, value: Buffer.from('v') }] })).rejects.toThrow('failed')
    const attributes = { ...SYSTEM, 'server.address': '127.0.0.1', 'server.port': 1, 'error.type': 'ECONNREFUSED' }
    const found = await collected.collect()
    expect(found.get('kafka.client.connects')?.points).toEqual([{ attributes, value: expect.any(Number) }])
    expect(found.get('kafka.client.connections')).toBeUndefined()
  })

  test('count each retry of a send', async () => {
    await using collected = collectedMetrics()
    const { topic, common } = await traced({ meterProvider: collected.provider })
    const options = { retries: 1, retryDelay: 1, requestTimeout: 1000 }
    const producer = new Producer({ ...common, ...options, serializers: stringSerializers })
    closing.push(() => closeClient(producer))
    const send = async (): Promise<unknown> => await producer.send({ messages: [{ topic, value: 'v' }] })
    const countRetries = async (): Promise<number> => {
      const points = (await collected.collect()).get('kafka.producer.retries')?.points ?? []
      for (const { attributes } of points) expect(attributes).toEqual(SYSTEM)
      return points[0]?.value ?? 0
    }
    // Under load the first send may exceed requestTimeout.
    await waitFor(send)
    const before = await countRetries()
    await kafka().pause()
    try {
      await expect(send()).rejects.toThrow('Producing messages failed')
    } finally {
      kafka().resume()
    }
    expect((await countRetries()) - before).toBe(1)
  })

  test('are absent with `metrics: false`', async () => {
    await using collected = collectedMetrics()
    const { topic, producer } = await traced({ meterProvider: collected.provider, metrics: false })
    await producer().send({ messages: [{ topic, value: 'v' }] })
    expect(await collected.collect()).toEqual(new Map())
  })
})

describe('log records of clients of @platformatic/kafka', () => {
  test('of a rebalance have the member, the generation and the partitions assigned or revoked', async () => {
    const logs = recordedLogs()
    const { topic, groupId, clientId, consumer } = await traced({ loggerProvider: logs.provider }, 2)
    const consuming = async () => {
      const made = consumer()
      const stream = withoutUncaughtErrors(
        await made.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, maxWaitTime: 50 }),
      )
      stream.resume()
      return made
    }
    const first = await consuming()
    const assigned = await logs.first('kafka.consumer.partitions.assigned')
    expect(assigned).toMatchObject({
      severity: 'INFO',
      traceId: undefined,
      attributes: {
        ...SYSTEM,
        'messaging.consumer.group.name': groupId,
        'messaging.client.id': clientId,
        'kafka.consumer.member.id': first.memberId,
        'kafka.consumer.generation': 1,
        'kafka.consumer.partitions': [`${topic}-0`, `${topic}-1`],
        'kafka.consumer.partitions.held': 2,
      },
    })
    await consuming()
    const rebalance = await logs.first('kafka.consumer.rebalance')
    expect(rebalance.attributes['kafka.consumer.member.id']).toBe(first.memberId)
    const revoked = await logs.first('kafka.consumer.partitions.revoked')
    expect(revoked.attributes).toMatchObject({
      'kafka.consumer.partitions.changed': 1,
      'kafka.consumer.partitions.held': 1,
      'kafka.consumer.generation': 2,
    })
  })

  test('of the consumer group protocol have the partitions assigned by heartbeats', async () => {
    const logs = recordedLogs()
    const { topic, consumer } = await traced({ loggerProvider: logs.provider }, 2)
    const stream = withoutUncaughtErrors(
      await consumer({ groupProtocol: 'consumer' }).consume({ topics: [topic], maxWaitTime: 50 }),
    )
    stream.resume()
    const assigned = await logs.first('kafka.consumer.partitions.assigned', ({ attributes }) => {
      return attributes['kafka.consumer.partitions.held'] === 2
    })
    expect(assigned.attributes['kafka.consumer.partitions']).toEqual([`${topic}-0`, `${topic}-1`])
  })

  test('of a failed stream are a crash with its error, which the application still receives', async () => {
    const logs = recordedLogs()
    await using collected = collectedMetrics()
    const options = { loggerProvider: logs.provider, meterProvider: collected.provider }
    const { topic, groupId, consumer } = await traced(options)
    const stream = withoutUncaughtErrors(await consumer().consume({ topics: [topic], maxWaitTime: 50 }))
    const seen: unknown[] = []
    stream.on('error', (error) => seen.push(error))
    stream.destroy(new TypeError('no such order'))
    const crash = await logs.first('kafka.consumer.crash')
    expect(crash).toMatchObject({
      severity: 'ERROR',
      attributes: {
        'messaging.consumer.group.name': groupId,
        'error.type': 'TypeError',
        'exception.message': 'no such order',
        'kafka.consumer.restarts': false,
      },
    })
    expect(seen).toHaveLength(1)
    const attributes = { ...SYSTEM, 'messaging.consumer.group.name': groupId, 'error.type': 'TypeError' }
    expect((await collected.collect()).get('kafka.consumer.crashes')?.points).toEqual([{ attributes, value: 1 }])
  })

  test('are emitted for a failed commit and for a throttled request', async () => {
    const logs = recordedLogs()
    const { topic, clientId, common, producer, consumer } = await traced({ loggerProvider: logs.provider })
    const made = consumer()
    const stream = withoutUncaughtErrors(await made.consume({ topics: [topic], maxWaitTime: 50, autocommit: false }))
    stream.resume()
    await expect(made.commit({ offsets: [{ topic, partition: 99, offset: 1n, leaderEpoch: -1 }] })).rejects.toThrow(
      'failed',
    )
    const failed = await logs.first('kafka.consumer.commit.failed')
    expect(failed.attributes).toMatchObject({
      'messaging.destination.name': topic,
      'error.type': 'UNKNOWN_TOPIC_OR_PARTITION',
    })

    const admin = new Admin({ ...common, clientId: 'admin' })
    closing.push(() => admin.close())
    await admin.alterClientQuotas({
      entries: [
        {
          entities: [{ entityType: 'client-id', entityName: clientId }],
          ops: [{ key: 'producer_byte_rate', value: 1000, remove: false }],
        },
      ],
    })
    // The broker applies a quota shortly after its response.
    const sender = producer()
    const throttled = await waitUntil(async () => {
      await sender.send({ messages: [{ topic, value: 'v'.repeat(20_000) }] })
      return logs.named('kafka.client.throttled')[0]
    })
    expect(throttled).toMatchObject({
      severity: 'WARN',
      attributes: {
        'messaging.client.id': clientId,
        'kafka.request.name': 'Produce',
        'kafka.throttle.duration': expect.any(Number),
        'server.port': expect.any(Number),
      },
    })
  })
})
