import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { context, propagation, trace } from '@opentelemetry/api'
import type { KafkaTelemetryOptions } from '@spanlink/kafka'
import { useKafka } from '@spanlink/testkit/vitest'
import { describe, expect, test } from 'vitest'
import { described, idOf, useRecordedSpans } from '../support/recorded-spans.ts'
import type { ClientUnderTest, ConnectedClient, DeliveredTestMessage } from './client-under-test.ts'

/** Behaviour of every traced client, on a real broker. */
export function describeClient(client: ClientUnderTest): void {
  describe(`${client.name}`, () => {
    const kafka = useKafka()
    const spans = useRecordedSpans()
    const connect = (options: KafkaTelemetryOptions = {}): Promise<ConnectedClient> =>
      client.connect(kafka().brokers, options)

    const newTopic = async (partitions = 1): Promise<string> => {
      const topic = `t-${randomUUID()}`
      await kafka().createTopic(topic, { partitions })
      return topic
    }

    test('in link mode a process span starts its own trace and links to the send span', async () => {
      const topic = await newTopic()
      await using connected = await connect()
      const order = trace.getTracer('test').startSpan('order')
      await context.with(trace.setSpan(context.active(), order), () =>
        connected.send(topic, [{ key: 'order-1', value: 'v' }]),
      )
      await consumed(connected, topic, 1)
      const send = spans.only(`send ${topic}`)
      const process = spans.only(`process ${topic}`)
      expect(described(send)).toMatchObject({ kind: 'PRODUCER', parent: idOf(order.spanContext()), links: [] })
      expect(send.attributes).toMatchObject({
        'messaging.system.name': 'kafka',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.destination.name': topic,
        'messaging.destination.partition.id': '0',
        'messaging.client.id': 'suite',
        'kafka.offset': 0,
        'kafka.message.key': 'order-1',
      })
      // Cluster and broker, if the client knows them.
      const brokerAttributes: Record<string, unknown> = {}
      for (const name of ['kafka.cluster.id', 'server.address', 'server.port']) {
        if (process.attributes[name] !== undefined) brokerAttributes[name] = send.attributes[name]
      }
      expect(described(process)).toEqual({
        name: `process ${topic}`,
        kind: 'CONSUMER',
        parent: undefined,
        attributes: {
          ...brokerAttributes,
          'messaging.system.name': 'kafka',
          'messaging.operation.name': 'process',
          'messaging.operation.type': 'process',
          'messaging.destination.name': topic,
          'messaging.destination.partition.id': '0',
          'messaging.consumer.group.name': `g-${topic}`,
          'messaging.client.id': 'suite',
          'kafka.offset': 0,
          'kafka.message.key': 'order-1',
        },
        links: [
          {
            to: idOf(send),
            attributes: {
              'messaging.destination.name': topic,
              'messaging.destination.partition.id': '0',
              'kafka.offset': 0,
              'kafka.message.key': 'order-1',
            },
          },
        ],
      })
      expect(process.spanContext().traceId).not.toBe(send.spanContext().traceId)
    })

    test('in parent mode a process span is a child of the send span and links to it', async () => {
      const topic = await newTopic()
      await using connected = await connect({ correlation: (name) => (name === topic ? 'parent' : 'link') })
      await connected.send(topic, [{ value: 'v' }])
      await consumed(connected, topic, 1)
      const send = spans.only(`send ${topic}`)
      const process = described(spans.only(`process ${topic}`))
      expect(process.parent).toBe(idOf(send))
      expect(process.links.map((link) => link.to)).toEqual([idOf(send)])
    })

    test('baggage reaches the handler of each message and of each batch', async () => {
      const topic = await newTopic()
      await using connected = await connect({ baggageAttributes: ['tenant'] })
      const baggage = propagation.createBaggage({ tenant: { value: 'acme' }, user: { value: 'u1' } })
      await context.with(propagation.setBaggage(context.active(), baggage), () =>
        connected.send(topic, [{ value: 'a' }, { value: 'b' }]),
      )
      const seen: unknown[] = []
      const tenant = () => propagation.getActiveBaggage()?.getEntry('tenant')?.value
      await consumed(connected, topic, 2, async () => void seen.push(tenant()))
      await consumedBatches(connected, topic, 2, async (messages) => {
        seen.push(tenant())
        for (const message of messages) await message.process(async () => void seen.push(tenant()))
      })
      expect(seen.length).toBeGreaterThanOrEqual(5)
      expect(new Set(seen)).toEqual(new Set(['acme']))
      for (const span of spans.named(`process ${topic}`)) expect(span.attributes['user']).toBeUndefined()
      expect(spans.named(`process ${topic}`)[0]?.attributes['tenant']).toBe('acme')
    })

    test('a batch has a receive and a process span with links to all producers, and a span for each message', async () => {
      const topic = await newTopic()
      await using connected = await connect()
      await connected.send(topic, [
        { key: 'a', value: '1' },
        { key: 'b', value: '2' },
      ])
      const active: (string | undefined)[] = []
      // The spans follow each other: the first has ended when the second is active.
      const endedBefore: number[] = []
      let batches = 0
      await consumedBatches(connected, topic, 2, async (messages) => {
        batches += 1
        for (const message of messages) {
          await message.process(async () => {
            active.push(trace.getActiveSpan()?.spanContext().spanId)
            endedBefore.push(spans.named(`process ${topic}`).length)
          })
        }
      })
      expect(batches).toBe(1)
      const creations = spans.named(`create ${topic}`).map(idOf)
      expect(creations).toHaveLength(2)
      const poll = spans.only(`poll ${topic}`)
      const processes = spans.named(`process ${topic}`)
      const batch = processes.find((span) => span.attributes['messaging.batch.message_count'] === 2)!
      const single = processes.filter((span) => span !== batch)
      expect(described(poll)).toMatchObject({ kind: 'CLIENT', parent: undefined })
      expect(poll.attributes).toMatchObject({
        'messaging.operation.name': 'poll',
        'messaging.operation.type': 'receive',
        'messaging.batch.message_count': 2,
      })
      expect(poll.links.map((link) => idOf(link.context))).toEqual(creations)
      expect(batch.links.map((link) => idOf(link.context))).toEqual(creations)
      expect(described(batch)).toMatchObject({ kind: 'CONSUMER', parent: idOf(poll) })
      expect(single.map((span) => described(span).parent)).toEqual([idOf(batch), idOf(batch)])
      expect(single.map((span) => described(span).links.map((link) => link.to))).toEqual(creations.map((to) => [to]))
      expect(single.map((span) => span.spanContext().spanId)).toEqual(active)
      expect(endedBefore).toEqual([0, 1])
    })

    test('a forwarded message gets a new context, from a send span below the process span', async () => {
      const [from, to] = [await newTopic(), await newTopic()]
      await using connected = await connect()
      const baggage = propagation.createBaggage({ hop: { value: '1' } })
      await context.with(propagation.setBaggage(context.active(), baggage), () =>
        connected.send(from, [{ value: 'v', headers: { app: 'kept' } }]),
      )
      await consumed(connected, from, 1, (message) =>
        context.with(propagation.deleteBaggage(context.active()), async () => {
          await connected.send(to, [{ value: 'v', headers: message.headers as Record<string, Buffer> }])
        }),
      )
      const [arrived] = await consumed(connected, to, 1)
      const forward = spans.only(`send ${to}`)
      expect(described(forward).parent).toBe(idOf(spans.only(`process ${from}`)))
      expect(forward.links).toEqual([])
      const { traceId, spanId } = forward.spanContext()
      expect(headersAsText(arrived!.headers)).toEqual({ app: 'kept', traceparent: `00-${traceId}-${spanId}-01` })
    })

    test('a creation context that the application put into the headers is kept and linked', async () => {
      const topic = await newTopic()
      await using connected = await connect()
      const [traceId, spanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']
      const traceparent = `00-${traceId}-${spanId}-01`
      await connected.send(topic, [{ value: 'v', headers: { traceparent } }])
      const [arrived] = await consumed(connected, topic, 1)
      expect(headersAsText(arrived!.headers)).toEqual({ traceparent })
      const outbox = `${traceId}-${spanId}`
      expect(described(spans.only(`send ${topic}`))).toMatchObject({ kind: 'CLIENT', links: [{ to: outbox }] })
      expect(described(spans.only(`process ${topic}`)).links.map((link) => link.to)).toEqual([outbox])
    })

    test('a caller’s messages and headers are never modified, frozen or not, and can be sent again', async () => {
      const topic = await newTopic()
      await using connected = await connect()
      const message = deepFreeze({ key: 'k', value: 'v', headers: { app: 'x', many: ['1', '2'] } })
      const before = structuredClone(message)
      const messages = deepFreeze([message])
      await connected.send(topic, messages)
      await connected.send(topic, messages)
      expect(message).toEqual(before)
      const arrived = await consumed(connected, topic, 2)
      const sent = spans.named(`send ${topic}`).map((span) => span.spanContext().spanId)
      const carried = arrived.map(({ headers }) => (headersAsText(headers)['traceparent'] as string).split('-')[2])
      expect(carried).toEqual(sent)
      expect(arrived.map(({ headers }) => headersAsText(headers)['many'])).toEqual([
        ['1', '2'],
        ['1', '2'],
      ])
    })

    test('a message whose handler fails is redelivered by the client, with the error on its first span', async () => {
      const topic = await newTopic()
      await using connected = await connect()
      await connected.send(topic, [{ value: 'v' }])
      let attempts = 0
      await consumed(connected, topic, 1, async () => {
        attempts += 1
        // Not a RangeError: kafkajs treats JavaScript's own error types as bugs and stops.
        if (attempts === 1) throw new DeclinedError('first attempt fails')
      })
      const [failed, succeeded] = spans.named(`process ${topic}`)
      expect(failed?.status).toEqual({ code: 2, message: 'first attempt fails' })
      expect(failed?.attributes['error.type']).toBe('DeclinedError')
      expect(failed?.events.map((event) => event.name)).toEqual(['exception'])
      expect(succeeded?.status.code).toBe(0)
      expect(idOf(succeeded!.links[0]!.context)).toBe(idOf(failed!.links[0]!.context))
    })

    test('messages of a filtered topic have no span and no context headers', async () => {
      const topic = await newTopic()
      await using connected = await connect({ filter: (name) => name !== topic })
      await connected.send(topic, [{ value: 'v' }])
      const [arrived] = await consumed(connected, topic, 1)
      expect(headersAsText(arrived!.headers)).toEqual({})
      expect(spans.all()).toEqual([])
    })
  })
}

class DeclinedError extends Error {
  override readonly name = 'DeclinedError'
}

type Handler<T> = (value: T) => Promise<void>

/**
 * Consumes until `count` messages were handled without an error and their spans recorded.
 */
async function consumed(
  connected: ConnectedClient,
  topic: string,
  count: number,
  handler: Handler<DeliveredTestMessage> = async () => {},
): Promise<DeliveredTestMessage[]> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const arrived: DeliveredTestMessage[] = []
  await connected.eachMessage(topic, `g-${topic}`, async (message) => {
    await handler(message)
    arrived.push(message)
    if (arrived.length === count) resolve()
  })
  await promise
  // The process span ends right after the handler, in a later microtask.
  await sleep(20)
  return arrived
}

async function consumedBatches(
  connected: ConnectedClient,
  topic: string,
  count: number,
  handler: Handler<readonly DeliveredTestMessage[]>,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let seen = 0
  await connected.eachBatch(topic, `b-${topic}`, async (messages) => {
    await handler(messages)
    seen += messages.length
    if (seen >= count) resolve()
  })
  await promise
  await sleep(20)
}

function headersAsText(headers: unknown): Record<string, unknown> {
  const text = (value: unknown): unknown => (Array.isArray(value) ? value.map(text) : String(value))
  const entries = headers instanceof Map ? [...headers] : Object.entries(headers ?? {})
  return Object.fromEntries(entries.map(([key, value]) => [String(key), text(value)]))
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner)
    Object.freeze(value)
  }
  return value
}
