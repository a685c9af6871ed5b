import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { context, propagation, trace } from '@opentelemetry/api'
import {
  Consumer,
  Producer,
  deserializersFrom,
  jsonDeserializer,
  jsonSerializer,
  serializersFrom,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka'
import type { ConsumeOptions, ConsumerOptions, Message, ProducerOptions, Serializers } from '@platformatic/kafka'
import { processMessage } from '@spanlink/kafka'
import { useKafka } from '@spanlink/testkit/vitest'
import { afterEach, describe, expect, test } from 'vitest'
import { tracePlatformatic } from '../src/platformatic/index.ts'
import type { PlatformaticTracing } from '../src/platformatic/index.ts'
import type { KafkaTelemetryOptions } from '../src/index.ts'
import { closeClient, withoutUncaughtErrors } from './support/close-client.ts'
import { described, idOf, useRecordedSpans } from './support/recorded-spans.ts'

// Behaviour specific to @platformatic/kafka, on a real broker.

type Closeable = { close(force: true): Promise<unknown> }

describe('@platformatic/kafka', () => {
  const kafka = useKafka()
  const spans = useRecordedSpans()
  let opened: Closeable[] = []
  let tracing: PlatformaticTracing | undefined

  afterEach(async () => {
    await Promise.all(opened.map(closeClient))
    opened = []
    tracing?.disable()
    tracing = undefined
  })

  const traced = (options?: KafkaTelemetryOptions): PlatformaticTracing => (tracing = tracePlatformatic(options))
  const common = () => ({ clientId: 'suite', bootstrapBrokers: kafka().brokers, retries: 50, retryDelay: 50 })
  const newTopic = async (partitions = 1): Promise<string> => {
    const topic = `t-${randomUUID()}`
    await kafka().createTopic(topic, { partitions })
    return topic
  }
  const newProducer = <K = Buffer, V = Buffer, HK = Buffer, HV = Buffer>(
    options: Partial<ProducerOptions<K, V, HK, HV>> = {},
  ): Producer<K, V, HK, HV> => {
    // `serializers` may only be absent for Buffers.
    const producer = new Producer<K, V, HK, HV>({ ...common(), ...options } as ProducerOptions<K, V, HK, HV>)
    opened.push({ close: () => producer.close(true) })
    return producer
  }
  const consumed = async <K = Buffer, V = Buffer, HK = Buffer, HV = Buffer>(
    topic: string,
    options: Partial<ConsumerOptions<K, V, HK, HV>> & Partial<ConsumeOptions<K, V, HK, HV>> = {},
  ) => {
    const { autocommit = false, ...rest } = options
    const consumer = new Consumer<K, V, HK, HV>({
      ...common(),
      groupId: `g-${randomUUID()}`,
      maxWaitTime: 100,
      ...rest,
    } as ConsumerOptions<K, V, HK, HV>)
    opened.push({ close: () => consumer.close(true) })
    const stream = withoutUncaughtErrors(await consumer.consume({ topics: [topic], mode: 'earliest', autocommit }))
    return { consumer, stream }
  }
  const first = async <M>(stream: AsyncIterable<M>, count = 1): Promise<M[]> => {
    const messages: M[] = []
    const iterator = stream[Symbol.asyncIterator]()
    while (messages.length < count) messages.push((await iterator.next()).value as M)
    return messages
  }

  test('headers in a Map carry the context, and the caller’s Map is not modified', async () => {
    traced()
    const topic = await newTopic()
    const headers = new Map([['app', 'x']])
    await newProducer({ serializers: stringSerializers }).send({ messages: [{ topic, value: 'v', headers }] })
    const { stream } = await consumed(topic, { deserializers: stringDeserializers })
    const [message] = await first(stream)
    expect([...headers]).toEqual([['app', 'x']])
    const { traceId, spanId } = spans.only(`send ${topic}`).spanContext()
    expect(Object.fromEntries(message!.headers)).toEqual({ app: 'x', traceparent: `00-${traceId}-${spanId}-01` })
  })

  test('headers pass string and JSON serializers, and consumers find the context', async () => {
    const { process } = traced()
    for (const [serializers, deserializers] of [
      [stringSerializers, stringDeserializers],
      [serializersFrom<string>(jsonSerializer), deserializersFrom<string>(jsonDeserializer)],
    ] as const) {
      const topic = await newTopic()
      const headers = { app: 'x' }
      await newProducer({ serializers }).send({ messages: [{ topic, key: 'k', value: 'v', headers }] })
      const { stream } = await consumed(topic, { deserializers })
      const [message] = await first(stream)
      expect(message!.headers.get('app')).toBe('x')
      process(message!, () => {})
      expect(described(spans.only(`process ${topic}`)).links.map((link) => link.to)).toEqual([
        idOf(spans.only(`send ${topic}`)),
      ])
    }
  })

  test('a message is sent unchanged when its serializers cannot encode the context header', async () => {
    traced()
    const topic = await newTopic()
    const serializers: Serializers<string, string, string, number> = {
      key: (key) => stringSerializers.key(key),
      value: (value) => stringSerializers.value(value),
      headerKey: stringSerializers.headerKey,
      headerValue: (value) => Buffer.from(value!.toFixed(2)),
    }
    await newProducer({ serializers }).send({ messages: [{ topic, value: 'v', headers: { price: 1.5 } }] })
    const { stream } = await consumed(topic, { deserializers: stringDeserializers })
    const [message] = await first(stream)
    expect([...message!.headers]).toEqual([['price', '1.50']])
    expect(spans.named(`send ${topic}`)).toHaveLength(1)
  })

  test('a null key, an absent value and throwing hooks cause no uncaught exception', async () => {
    traced({
      onSpan: () => {
        throw new Error('onSpan')
      },
      messageKey: () => {
        throw new Error('messageKey')
      },
      filter: () => {
        throw new Error('filter')
      },
    })
    const topic = await newTopic()
    const producer = newProducer({ serializers: stringSerializers })
    const uncaught: unknown[] = []
    const note = (error: unknown): unknown => uncaught.push(error)
    process.on('uncaughtException', note)
    await producer.send({
      messages: [
        { topic, key: null as unknown as string, value: 'v' },
        { topic, key: 'k' },
      ],
    })
    const { stream } = await consumed(topic, { deserializers: stringDeserializers })
    const messages = await first(stream, 2)
    await sleep(1)
    process.off('uncaughtException', note)
    expect(uncaught).toEqual([])
    expect(messages.map((message) => message.value)).toEqual(['v', undefined])
  })

  test('a tombstone is marked on send and process spans, though the client delivers undefined', async () => {
    const tracing = traced()
    const topic = await newTopic()
    await newProducer({ serializers: stringSerializers }).send({ messages: [{ topic, key: 'k' }] })
    const { stream } = await consumed(topic, { deserializers: stringDeserializers })
    const [message] = await first(stream)
    tracing.process(message!, () => {})
    expect(spans.only(`send ${topic}`).attributes['kafka.message.tombstone']).toBe(true)
    expect(spans.only(`process ${topic}`).attributes['kafka.message.tombstone']).toBe(true)
  })

  test('a rejected send fails with the client’s own error, ends its span and does not modify the options', async () => {
    traced()
    const topic = await newTopic()
    const producer = newProducer({ retries: 0 })
    // Header names in an object are strings, which a producer without serializers rejects.
    const messages = [{ topic, value: Buffer.from('v'), headers: { app: Buffer.from('x') } }]
    const options = { messages }
    await expect(producer.send(options)).rejects.toThrow('Produc')
    expect(options.messages).toBe(messages)
    expect(spans.only(`send ${topic}`).status.code).toBe(2)
    expect(() => producer.send({ messages: 5 as unknown as [] })).toThrow('is not iterable')
  })

  test('options and messages are not modified when they are sent twice concurrently', async () => {
    traced()
    const topic = await newTopic()
    const producer = newProducer({ serializers: stringSerializers })
    const messages = Object.freeze([Object.freeze({ topic, value: 'v', headers: Object.freeze({ app: 'x' }) })])
    const options = { messages: messages as unknown as { topic: string; value: string }[] }
    await Promise.all([producer.send(options), producer.send(options)])
    expect(options.messages).toBe(messages)
    const { stream } = await consumed(topic, { deserializers: stringDeserializers })
    const carried = (await first(stream, 2)).map(({ headers }) => headers.get('traceparent')!.split('-')[2])
    const sent = spans.named(`send ${topic}`)
    expect(carried.toSorted()).toEqual(sent.map((span) => span.spanContext().spanId).toSorted())
    expect(sent.flatMap((span) => span.links)).toEqual([])
  })

  test('a send to several topics has a Send span for each, with the partitions and offsets of its records', async () => {
    traced()
    const [one, two] = [await newTopic(), await newTopic(2)]
    await newProducer({ serializers: stringSerializers }).send({
      messages: [
        { topic: one, value: 'a' },
        { topic: two, value: 'b', partition: 1 },
        { topic: one, value: 'c' },
      ],
    })
    const [send] = [spans.only(`send ${one}`)]
    expect(send.links.map((link) => link.attributes?.['kafka.offset'])).toEqual([0, 1])
    expect(send.attributes['messaging.destination.partition.id']).toBe('0')
    expect(spans.only(`send ${two}`).attributes).toMatchObject({
      'messaging.destination.partition.id': '1',
      'kafka.offset': 0,
    })
  })

  test('error.type is the broker’s error name, below the client’s AggregateError', async () => {
    traced()
    const topic = await newTopic()
    const value = 'v'.repeat(1_200_000)
    const sending = newProducer({ serializers: stringSerializers, retries: 0 }).send({ messages: [{ topic, value }] })
    const error = await sending.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(AggregateError)
    const span = spans.only(`send ${topic}`)
    expect(span.attributes['error.type']).toBe('MESSAGE_TOO_LARGE')
    expect(span.events.map((event) => event.name)).toEqual(['exception'])
  })

  test('messages written to a producer stream are sent in the context of their write', async () => {
    traced()
    const topic = await newTopic()
    const stream = newProducer({ serializers: stringSerializers }).asStream({ batchSize: 100, batchTime: 50 })
    const requests = ['a', 'b'].map((name) => {
      const span = trace.getTracer('test').startSpan(name)
      const baggage = propagation.createBaggage({ request: { value: name } })
      context.with(propagation.setBaggage(trace.setSpan(context.active(), span), baggage), () =>
        stream.write({ topic, value: name }),
      )
      return span
    })
    await stream.close()
    const sends = spans.named(`send ${topic}`)
    expect(sends.map((span) => described(span).parent)).toEqual(requests.map((span) => idOf(span.spanContext())))
    expect(sends.map((span) => span.attributes['kafka.offset'])).toEqual([0, 1])
    const { stream: consumer } = await consumed(topic, { deserializers: stringDeserializers })
    const baggage = (await first(consumer, 2)).map(({ headers }) => headers.get('baggage'))
    expect(baggage).toEqual(['request=a', 'request=b'])
  })

  test('a commit by the application is a settle span, and autocommits and empty polls have none', async () => {
    const tracing = traced()
    const topic = await newTopic()
    await newProducer({ serializers: stringSerializers }).send({ messages: [{ topic, value: 'v' }] })
    const { stream } = await consumed(topic, { deserializers: stringDeserializers })
    const [message] = await first(stream)
    await tracing.process(message!, async () => await message!.commit())
    const commit = described(spans.only(`commit ${topic}`))
    expect(commit).toMatchObject({ kind: 'CLIENT', parent: idOf(spans.only(`process ${topic}`)) })
    expect(commit.attributes).toMatchObject({
      'messaging.operation.type': 'settle',
      'messaging.destination.partition.id': '0',
      'messaging.client.id': 'suite',
      'messaging.consumer.group.name': expect.stringMatching(/^g-/),
    })
    const before = spans.all().length
    const automatic = await consumed(topic, { deserializers: stringDeserializers, autocommit: true })
    await first(automatic.stream)
    // Long enough for a commit and a few polls that find nothing.
    await Promise.all([new Promise((resolve) => automatic.stream.once('autocommit', resolve)), sleep(300)])
    expect(spans.all()).toHaveLength(before)
  })

  test('sends, offsets, commit and abort of a transaction have spans', async () => {
    const tracing = traced()
    const [from, to] = [await newTopic(), await newTopic()]
    await newProducer({ serializers: stringSerializers }).send({ messages: [{ topic: from, value: 'v' }] })
    const { consumer, stream } = await consumed(from, { deserializers: stringDeserializers })
    const producer = newProducer({
      serializers: stringSerializers,
      idempotent: true,
      transactionalId: `tx-${to}`,
      producerId: -1n,
      producerEpoch: -1,
    })
    const [message] = await first(stream)
    await tracing.process(message!, async () => {
      const transaction = await producer.beginTransaction()
      await transaction.addConsumer(consumer as unknown as Consumer<string, string, string, string>)
      await transaction.send({ messages: [{ topic: to, value: 'v' }] })
      await transaction.addOffset(message as unknown as Message<string, string, string, string>)
      await transaction.commit()
    })
    const aborted = await producer.beginTransaction()
    await aborted.send({ messages: [{ topic: to, value: 'never' }] })
    await aborted.abort()
    await sleep(1)
    const process = idOf(spans.only(`process ${from}`))
    const [sent] = spans.named(`send ${to}`)
    expect(described(sent!).parent).toBe(process)
    expect(described(spans.only(`send_offsets ${from}`))).toMatchObject({
      kind: 'CLIENT',
      parent: process,
      attributes: { 'messaging.consumer.group.name': expect.stringMatching(/^g-/) },
    })
    expect(described(spans.only('commit_transaction')).parent).toBe(process)
    expect(spans.only('abort_transaction').status.code).toBe(0)
  })

  test('iterate gives each message a process span until the next step, which process makes active', async () => {
    const tracing = traced()
    const topic = await newTopic()
    await newProducer({ serializers: stringSerializers }).send({
      messages: ['a', 'b', 'c'].map((value) => ({ topic, value })),
    })
    const { stream } = await consumed(topic, { deserializers: stringDeserializers })
    const endedBefore: number[] = []
    const active: (string | undefined)[] = []
    let failed: unknown
    await trace.getTracer('test').startActiveSpan('loop', async (loop) => {
      for await (const message of tracing.iterate(stream)) {
        endedBefore.push(spans.named(`process ${topic}`).length)
        const note = (): unknown => active.push(trace.getActiveSpan()?.spanContext().spanId)
        if (message.value === 'a') tracing.process(message, note)
        else if (message.value === 'b') processMessage(message, note)
        else {
          failed = await tracing
            .process(message, async () => {
              note()
              throw new RangeError('no c')
            })
            .catch((error: unknown) => error)
          break
        }
      }
      loop.end()
    })
    await sleep(1)
    const processes = spans.named(`process ${topic}`)
    expect(endedBefore).toEqual([0, 1, 2])
    expect(failed).toEqual(new RangeError('no c'))
    expect(processes.map((span) => span.spanContext().spanId)).toEqual(active)
    expect(processes.map((span) => span.parentSpanContext)).toEqual([undefined, undefined, undefined])
    expect(processes.map((span) => span.links.length)).toEqual([1, 1, 1])
    expect(processes.map((span) => span.attributes['error.type'])).toEqual([undefined, undefined, 'RangeError'])
  })

  test('a batch of several partitions has one process span, and its messages keep their own partition', async () => {
    const tracing = traced()
    const topic = await newTopic(2)
    await newProducer({ serializers: stringSerializers }).send({
      messages: [0, 1].map((partition) => ({ topic, value: 'v', partition })),
    })
    const { stream } = await consumed(topic, { deserializers: stringDeserializers })
    const messages = await first(stream, 2)
    tracing.processBatch(messages, () => messages.forEach((message) => processMessage(message, () => {})))
    const [batch, others] = [
      spans.named(`process ${topic}`).find((span) => 'messaging.batch.message_count' in span.attributes)!,
      spans.named(`process ${topic}`).filter((span) => !('messaging.batch.message_count' in span.attributes)),
    ]
    expect(batch.attributes['messaging.destination.partition.id']).toBeUndefined()
    expect(batch.links).toHaveLength(2)
    expect(others.map((span) => span.attributes['messaging.destination.partition.id']).toSorted()).toEqual(['0', '1'])
  })

  test('the last valid value of a repeated traceparent is linked', async () => {
    const tracing = traced()
    const topic = await newTopic()
    const ids = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']
    const entry = (value: string): [Buffer, Buffer] => [Buffer.from('traceparent'), Buffer.from(value)]
    const stale = '00-11111111111111111111111111111111-1111111111111111-01'
    const headers = new Map([entry(stale), entry(`00-${ids.join('-')}-01`), entry('')])
    tracing.disable()
    await newProducer().send({ messages: [{ topic, value: Buffer.from('v'), headers }] })
    const again = traced()
    const { stream } = await consumed(topic, { deserializers: stringDeserializers })
    const [message] = await first(stream)
    again.process(message!, () => {})
    expect(spans.named(`send ${topic}`)).toEqual([])
    expect(described(spans.only(`process ${topic}`)).links.map((link) => link.to)).toEqual([ids.join('-')])
  })

  test('a span that was active when consume was called is not the parent of later messages', async () => {
    const tracing = traced()
    const topic = await newTopic()
    await newProducer({ serializers: stringSerializers }).send({ messages: [{ topic, value: 'v' }] })
    await trace.getTracer('test').startActiveSpan('startup', async (startup) => {
      const { stream } = await consumed(topic, { deserializers: stringDeserializers })
      const [message] = await first(stream)
      tracing.process(message!, () => {})
      startup.end()
    })
    expect(spans.only(`process ${topic}`).parentSpanContext).toBeUndefined()
  })

  test('a second tracePlatformatic call returns the same tracing and makes no second span', async () => {
    const tracing = traced()
    expect(tracePlatformatic()).toBe(tracing)
    const topic = await newTopic()
    await newProducer({ serializers: stringSerializers }).send({ messages: [{ topic, value: 'v' }] })
    expect(spans.named(`send ${topic}`)).toHaveLength(1)
  })
})
