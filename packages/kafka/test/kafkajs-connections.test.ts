import { randomUUID } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { traceKafkaJS } from '@spanlink/kafka'
import { useKafka } from '@spanlink/testkit/vitest'
import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { collectedMetrics } from './support/collected-metrics.ts'
import { waitFor } from './support/wait.ts'

const { Kafka, Partitioners, logLevel } = kafkajs
const kafka = useKafka()

const clientOf = () => new Kafka({ brokers: kafka().brokers, clientId: 'suite', logLevel: logLevel.NOTHING })

/** Hides the connection pool builder, as another version of kafkajs might. */
function withHiddenCluster(client: kafkajs.Kafka): kafkajs.Kafka {
  const name = Object.getOwnPropertySymbols(client).find(({ description }) => description?.endsWith('createCluster'))!
  const hidden = client as unknown as Record<symbol, (...args: unknown[]) => { connectionPoolBuilder: unknown }>
  const create = hidden[name]!
  hidden[name] = (...args) => {
    const cluster = create.apply(client, args)
    Object.defineProperty(cluster, 'connectionPoolBuilder', { value: undefined })
    return cluster
  }
  return client
}

test.each([
  ['through the connection pool of kafkajs', clientOf],
  ['around each client call when the connection pool is not found', () => withHiddenCluster(clientOf())],
])('connections are counted %s, also after a loss and without those of handlers', async (_where, makeClient) => {
  await using collected = collectedMetrics()
  const connects = async () => {
    const found = await collected.collect()
    return found.get('kafka.client.connects')?.points.reduce((sum, { value }) => sum + Number(value), 0)
  }
  const topic = `t-${randomUUID()}`
  await kafka().createTopic(topic, { partitions: 1 })
  const client = traceKafkaJS(makeClient(), { meterProvider: collected.provider })

  const opened: Socket[] = []
  const ofHandlers = new Set<Socket>()
  const onSocket = (event: unknown): void => void opened.push((event as { readonly socket: Socket }).socket)
  const areAllCounted = () =>
    waitFor(async () => expect(await connects()).toBe(opened.filter((socket) => !ofHandlers.has(socket)).length))
  subscribe('net.client.socket', onSocket)
  try {
    const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    await producer.send({ topic, messages: [{ value: '1' }] })
    await areAllCounted()
    const before = opened.length
    const lost = opened.map((socket) => new Promise((resolve) => void socket.once('close', resolve)))
    for (const socket of opened) socket.destroy(new Error('lost'))
    await Promise.all(lost)
    await producer.send({ topic, messages: [{ value: '2' }] })
    expect(opened.length).toBeGreaterThan(before)
    await areAllCounted()
    await producer.disconnect()

    const consumer = client.consumer({ groupId: `g-${topic}` })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const handled = Promise.withResolvers<void>()
    await consumer.run({
      eachMessage: async ({ message }) => {
        const [host, port] = kafka().brokers[0]!.split(':')
        const socket = connect(Number(port), host)
        ofHandlers.add(socket)
        await once(socket, 'connect')
        const closed = once(socket, 'close')
        socket.destroy()
        await closed
        if (String(message.value) === '2') handled.resolve()
      },
    })
    await handled.promise
    await consumer.disconnect()
    expect(ofHandlers.size).toBeGreaterThanOrEqual(2)
    await areAllCounted()
  } finally {
    unsubscribe('net.client.socket', onSocket)
  }
})
