import { processMessage, traceRdkafka } from '@spanlink/kafka'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { SpanStatusCode, context, trace } from '@opentelemetry/api'
import type * as Confluent from '@confluentinc/kafka-javascript'
import { useOwnKafka } from '@spanlink/testkit/vitest'
import { describe, expect, test } from 'vitest'
import { described, idOf, useRecordedSpans } from '../support/recorded-spans.ts'
import { RdkafkaClients, once, polled } from './rdkafka-clients.ts'
import type { Rdkafka } from './rdkafka-clients.ts'

/** Differences between the two modules that tracing does not cause. */
export interface RdkafkaDifferences {
  /** `error.type` of a delivery report's error: node-rdkafka loses its code. */
  readonly unknownPartition: string
  readonly hasCommitCb: boolean
}

/** Behaviour of every traced client of rdkafka's callback API, on a real broker. */
export function describeRdkafka(rdkafka: Rdkafka, differences: RdkafkaDifferences): void {
  const kafka = useOwnKafka()
  const spans = useRecordedSpans()
  const connect = (options?: ConstructorParameters<typeof RdkafkaClients>[2]): RdkafkaClients =>
    new RdkafkaClients(rdkafka, kafka().brokers, options)
  const newTopic = async (partitions = 1): Promise<string> => {
    const topic = `t-${randomUUID()}`
    await kafka().createTopic(topic, { partitions })
    return topic
  }

  describe('produce', () => {
    test('ends its span at the delivery report, with partition and offset, and returns the opaque value of the application', async () => {
      const topic = await newTopic(3)
      await using clients = connect()
      const producer = await clients.producer({ dr_cb: true })
      const opaque = Object.freeze({ order: 7 })
      const order = trace.getTracer('test').startSpan('order')
      context.with(trace.setSpan(context.active(), order), () =>
        producer.produce(topic, 2, Buffer.from('v'), 'order-7', null, opaque),
      )
      expect(spans.named(`send ${topic}`)).toEqual([])
      const [error, report] = (await once(producer, 'delivery-report')) as [unknown, Confluent.DeliveryReport]
      expect(error).toBeNull()
      expect(report.opaque).toBe(opaque)
      const send = described(spans.only(`send ${topic}`))
      expect(send).toEqual({
        name: `send ${topic}`,
        kind: 'PRODUCER',
        parent: idOf(order.spanContext()),
        links: [],
        attributes: {
          'messaging.system.name': 'kafka',
          'messaging.operation.name': 'send',
          'messaging.operation.type': 'send',
          'messaging.destination.name': topic,
          'messaging.destination.partition.id': '2',
          'messaging.client.id': 'suite',
          'kafka.offset': 0,
          'kafka.message.key': 'order-7',
        },
      })
    })

    test('reports an absent, primitive or shared opaque value as it was passed', async () => {
      const topic = await newTopic()
      await using clients = connect()
      const producer = await clients.producer({ dr_msg_cb: true })
      const shared = {}
      const given = [undefined, 'text', 0, null, shared, shared]
      const reports: Confluent.DeliveryReport[] = []
      const all = new Promise<void>((resolve) => {
        producer.on('delivery-report', (_error, report) => {
          if (reports.push(report) === given.length) resolve()
        })
      })
      for (const opaque of given) producer.produce(topic, null, Buffer.from('v'), null, null, opaque)
      await all
      expect(reports.map((report) => report.opaque as unknown)).toEqual(given)
      expect('opaque' in reports[0]!).toBe(false)
      expect(reports[4]!.opaque).toBe(shared)
      expect(reports[5]!.opaque).toBe(shared)
      expect(spans.named(`send ${topic}`)).toHaveLength(given.length)
    })

    test('ends its span when the record is queued, without delivery reports', async () => {
      const topic = await newTopic()
      await using clients = connect()
      const producer = await clients.producer()
      producer.produce(topic, null, Buffer.from('v'))
      expect(spans.only(`send ${topic}`).attributes['kafka.offset']).toBeUndefined()
    })

    test('sends the context in a header object of its own and does not modify the headers of the application', async () => {
      const topic = await newTopic()
      await using clients = connect()
      const producer = await clients.producer()
      const headers = Object.freeze([Object.freeze({ a: '1', ignored: 'x' }), Object.freeze({ a: Buffer.from('2') })])
      const given = [undefined, null, [], headers] as unknown as Confluent.MessageHeader[][]
      for (const one of given) producer.produce(topic, null, Buffer.from('v'), null, null, undefined, one)
      const messages = await polled(await clients.consumer(topic), given.length)
      const sent = spans.named(`send ${topic}`).map((span) => {
        const { traceId, spanId } = span.spanContext()
        return ['traceparent', `00-${traceId}-${spanId}-01`]
      })
      const applicationHeaders = [
        [],
        [],
        [],
        [
          ['a', '1'],
          ['a', '2'],
        ],
      ]
      expect(messages.map(headersOf)).toEqual(applicationHeaders.map((pairs, i) => [...pairs, sent[i]]))
      expect(headers.map((one) => Object.keys(one))).toEqual([['a', 'ignored'], ['a']])
    })

    test('throws or reports the errors of the client, and puts the broker’s error name on the span', async () => {
      const topic = await newTopic()
      await using clients = connect()
      const producer = await clients.producer({ dr_cb: true })
      expect(() => producer.produce(topic, null, Buffer.alloc(2_000_000))).toThrow(/too large/i)
      expect(() => producer.produce('', null, Buffer.from('v'))).toThrow('"topic" must be a string')
      expect(() => producer.produce(topic, null, 'text' as unknown as Buffer)).toThrow('Message must be a buffer')
      // The broker creates this topic, with one partition.
      producer.produce(`new-${topic}`, 99, Buffer.from('v'))
      const [error] = (await once(producer, 'delivery-report')) as [Confluent.LibrdKafkaError]
      expect(error.message).toMatch(/unknown partition/i)
      expect(spans.named(`send ${topic}`).map((span) => span.attributes['error.type'])).toEqual([
        'MESSAGE_TOO_LARGE',
        'Error',
      ])
      const { attributes, status } = spans.only(`send new-${topic}`)
      expect(attributes['error.type']).toBe(differences.unknownPartition)
      expect(status).toEqual({ code: 2, message: error.message })
    })

    test.each(['producer', 'highLevelProducer'] as const)(
      'fails the spans of unreported records when the %s is disconnected',
      async (kind) => {
        const topic = await newTopic()
        await using clients = connect()
        const producer = await (kind === 'producer' ? clients.producer({ dr_cb: true }) : clients.highLevelProducer())
        producer.setPollInterval(0)
        await kafka().pause()
        const called: unknown[] = []
        // The sixth argument is a Producer's opaque value and a HighLevelProducer's callback.
        producer.produce(topic, 0, Buffer.from('v'), null, null, (...args: unknown[]) => called.push(args))
        const disconnected = new Promise<void>((resolve) => {
          producer.disconnect(100, () => resolve())
        })
        await sleep(300)
        kafka().resume()
        await disconnected
        // Under load librdkafka still reports the record while it disconnects.
        const message = called.length === 0 ? /before the record/ : /destroyed for termination/
        expect(spans.only(`send ${topic}`).status).toMatchObject({
          code: 2,
          message: expect.stringMatching(message),
        })
      },
    )

    test('of a high level producer ends its span with the callback, with partition and offset', async () => {
      const topic = await newTopic(2)
      await using clients = connect()
      const producer = await clients.highLevelProducer()
      producer.setValueSerializer((value: unknown) => Buffer.from(JSON.stringify(value)))
      const active = trace.getTracer('test').startSpan('order')
      const offset = await new Promise((resolve, reject) => {
        context.with(trace.setSpan(context.active(), active), () =>
          producer.produce(topic, null, { json: true }, 'k', null, [{ app: 'x' }], (error, at) =>
            error ? reject(error as Error) : resolve([at, trace.getActiveSpan()]),
          ),
        )
      })
      expect(offset).toEqual([0, active])
      const { attributes } = spans.only(`send ${topic}`)
      expect(attributes['kafka.offset']).toBe(0)
      const [message] = await polled(await clients.consumer(topic), 1)
      expect(attributes['messaging.destination.partition.id']).toBe(String(message!.partition))
      expect(headersOf(message!).map(([key]) => key)).toEqual(['app', 'traceparent'])
      expect(String(message!.value)).toBe('{"json":true}')
    })

    test('of a high level producer calls back as without tracing when headers are absent or the value is invalid', async () => {
      const topic = await newTopic()
      await using clients = connect()
      const producer = await clients.highLevelProducer()
      const results = await Promise.all(
        [Buffer.from('v'), 'no buffer'].map(
          (value) =>
            new Promise((resolve) => {
              producer.produce(topic, 0, value, null, null, (error, offset) =>
                resolve(error ? String((error as Error).message) : offset),
              )
            }),
        ),
      )
      expect(results).toEqual([0, 'Message must be a buffer or null'])
      expect(spans.named(`send ${topic}`).map((span) => span.status.code)).toEqual(expect.arrayContaining([0, 2]))
    })

    test('through a write stream is traced by the producer of the stream', async () => {
      const topic = await newTopic()
      await using clients = connect()
      const stream = rdkafka.createWriteStream(clients.config, {}, { topic })
      expect(traceRdkafka(stream)).toBe(stream)
      stream.end(Buffer.from('v'))
      const [message] = await polled(await clients.consumer(topic), 1)
      const { traceId, spanId } = spans.only(`send ${topic}`).spanContext()
      expect(headersOf(message!)).toEqual([['traceparent', `00-${traceId}-${spanId}-01`]])
    })
  })

  describe('consume', () => {
    test('makes a receive span per batch, none for an empty poll, and processMessage a process span below it', async () => {
      const [a, b] = [await newTopic(), await newTopic(2)]
      await using clients = connect()
      const producer = await clients.producer()
      for (const [topic, partition] of [
        [a, 0],
        [b, 0],
        [b, 1],
      ] as const) {
        producer.produce(topic, partition, Buffer.from('v'), `${topic}-${partition}`)
      }
      const consumer = await clients.consumer(a, b)
      const batches: Confluent.Message[][] = []
      await polled(consumer, 3, (messages) => {
        batches.push(messages)
        for (const message of messages) processMessage(message, () => {})
      })
      const receives = spans.all().filter((span) => span.attributes['messaging.operation.type'] === 'receive')
      expect(receives.map((span) => span.attributes['messaging.batch.message_count'])).toEqual(
        batches.map((messages) => messages.length),
      )
      // A poll started in the callback of another is not its child.
      expect(receives.map((span) => span.parentSpanContext)).toEqual(receives.map(() => undefined))
      for (const [topic, count] of [
        [a, 1],
        [b, 2],
      ] as const) {
        const sends = spans.named(`send ${topic}`)
        const processes = spans.named(`process ${topic}`)
        expect(processes).toHaveLength(count)
        for (const span of processes) {
          expect(receives.map(idOf)).toContain(described(span).parent)
          expect(span.attributes['messaging.client.id']).toBe('suite')
          const [link] = span.links
          const send = sends.find((one) => idOf(one) === idOf(link!.context))!
          expect(link!.attributes).toMatchObject({
            'messaging.destination.name': topic,
            'messaging.destination.partition.id': send.attributes['messaging.destination.partition.id'],
            'kafka.offset': 0,
            'kafka.message.key': send.attributes['kafka.message.key'],
          })
        }
      }
    })

    test('makes a receive span with the error when it fails', async () => {
      const topic = await newTopic()
      await using clients = connect()
      const consumer = await clients.consumer(topic)
      await new Promise((resolve) => consumer.disconnect(resolve))
      const error = await new Promise((resolve) => consumer.consume(1, resolve))
      expect(error).toBeInstanceOf(Error)
      const failed = spans.named('poll').filter((span) => span.status.code === SpanStatusCode.ERROR)
      expect(failed.map((span) => [span.links, span.attributes['messaging.operation.type']])).toEqual([[[], 'receive']])
      expect(failed[0]?.attributes['error.type']).toEqual(expect.any(String))
    })

    test('in flowing mode makes a receive span per message, in which data listeners and the callback run', async () => {
      const topic = await newTopic()
      await using clients = connect({ correlation: 'parent' })
      const producer = await clients.producer()
      producer.produce(topic, 0, Buffer.from('v'), 'k')
      const consumer = await clients.consumer(topic)
      const seen: (string | undefined)[] = []
      const { promise, resolve } = Promise.withResolvers<void>()
      consumer.on('data', (message) => {
        seen.push(trace.getActiveSpan()?.spanContext().spanId)
        processMessage(message, () => {})
      })
      consumer.consume((_error: unknown, message: Confluent.Message | Confluent.Message[]) => {
        if (!message) return
        seen.push(trace.getActiveSpan()?.spanContext().spanId)
        resolve()
      })
      await promise
      const receive = spans.only(`poll ${topic}`)
      const send = spans.only(`send ${topic}`)
      expect(seen).toEqual([receive.spanContext().spanId, receive.spanContext().spanId])
      expect(described(receive)).toMatchObject({ kind: 'CLIENT', parent: undefined, links: [{ to: idOf(send) }] })
      expect(described(spans.only(`process ${topic}`))).toMatchObject({
        parent: idOf(send),
        links: [{ to: idOf(send) }, { to: idOf(receive) }],
      })
    })

    test('with receiveSpans: false makes process spans only, which link to the send span', async () => {
      const topic = await newTopic()
      await using clients = connect({ receiveSpans: false })
      const producer = await clients.producer()
      producer.produce(topic, 0, Buffer.from('v'))
      await polled(await clients.consumer(topic), 1, ([message]) => processMessage(message!, () => {}))
      expect(spans.all().map((span) => span.name)).toEqual([`send ${topic}`, `process ${topic}`])
      expect(described(spans.only(`process ${topic}`)).parent).toBeUndefined()
    })

    test('through a read stream delivers messages that processMessage links to the send span', async () => {
      const topic = await newTopic()
      await using clients = connect()
      const producer = await clients.producer()
      producer.produce(topic, 0, Buffer.from('v'))
      const stream = traceRdkafka(
        rdkafka.createReadStream(
          clients.consumerConfig,
          { 'auto.offset.reset': 'earliest' },
          { topics: [topic], waitInterval: 20 },
        ),
      )
      const [message] = (await once(stream, 'data')) as [Confluent.Message]
      const result = processMessage(message, (span) => span.spanContext().spanId)
      stream.destroy()
      const process = spans.only(`process ${topic}`)
      expect(process.spanContext().spanId).toBe(result)
      expect(described(process).links.map((link) => link.to)).toEqual([idOf(spans.only(`send ${topic}`))])
      expect(spans.named(`poll ${topic}`)).toHaveLength(1)
    })

    test('followed by produce with the consumed headers gives the record its own context', async () => {
      const [from, to] = [await newTopic(), await newTopic()]
      await using clients = connect()
      const producer = await clients.producer()
      producer.produce(from, 0, Buffer.from('v'), null, null, undefined, [{ app: 'kept' }])
      await polled(await clients.consumer(from), 1, ([message]) => {
        processMessage(message!, () => {
          producer.produce(to, 0, message!.value, null, null, undefined, message!.headers)
        })
      })
      const [arrived] = await polled(await clients.consumer(to), 1)
      const forward = spans.only(`send ${to}`)
      const { traceId, spanId } = forward.spanContext()
      expect(headersOf(arrived!)).toEqual([
        ['app', 'kept'],
        ['traceparent', `00-${traceId}-${spanId}-01`],
      ])
      expect(described(forward)).toMatchObject({ parent: idOf(spans.only(`process ${from}`)), links: [] })
    })

    test('followed by commit makes a settle span below the process span', async () => {
      const topic = await newTopic()
      await using clients = connect()
      const producer = await clients.producer()
      producer.produce(topic, 0, Buffer.from('v'))
      const consumer = await clients.consumer(topic)
      const [message] = await polled(consumer, 1)
      processMessage(message!, () => consumer.commitMessageSync(message!))
      expect(() => consumer.commitSync({ topic: 'missing', partition: 0, offset: 1 })).toThrow(/unknown topic/i)
      const commit = spans.only(`commit ${topic}`)
      expect(described(commit)).toMatchObject({ kind: 'CLIENT', parent: idOf(spans.only(`process ${topic}`)) })
      expect(commit.attributes).toMatchObject({
        'messaging.operation.type': 'settle',
        'messaging.destination.partition.id': '0',
        'kafka.offset': 0,
      })
      expect(spans.only('commit missing').attributes['error.type']).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    })
  })

  // commitCb is missing in the type declarations.
  test.runIf(differences.hasCommitCb)('commitCb ends its span when the callback is called', async () => {
    const topic = await newTopic()
    await using clients = connect()
    const consumer = (await clients.consumer(topic)) as unknown as Record<'commitCb', (...args: unknown[]) => void>
    const committed = await new Promise((resolve) => {
      consumer.commitCb([{ topic, partition: 0, offset: 0 }], resolve)
    })
    expect(committed).toBeNull()
    await sleep(1)
    const { attributes, status } = spans.only(`commit ${topic}`)
    expect([attributes['messaging.destination.partition.id'], status.code]).toEqual(['0', 0])
  })

  test('committing a transaction is a settle span with the broker’s error', async () => {
    const topic = await newTopic()
    await using clients = connect()
    const producer = await clients.producer({ 'transactional.id': `tx-${topic}`, dr_cb: true })
    const done = (call: (callback: (error: unknown) => void) => void): Promise<unknown> =>
      new Promise((resolve) => call(resolve))
    await done((callback) => producer.initTransactions(5_000, callback))
    await done((callback) => producer.beginTransaction(callback))
    producer.produce(topic, 0, Buffer.from('v'))
    expect(await done((callback) => producer.commitTransaction(5_000, callback))).toBeFalsy()
    expect(await done((callback) => producer.commitTransaction(callback))).toMatchObject({ code: expect.any(Number) })
    await sleep(1)
    const [committed, failed] = spans.named('commit_transaction')
    expect(described(committed!)).toMatchObject({ kind: 'CLIENT' })
    expect(committed!.status.code).toBe(0)
    expect(failed!.attributes['error.type']).toBe('ERR__STATE')
  })
}

function headersOf(message: Confluent.Message): [string, string][] {
  return (message.headers ?? []).flatMap((header) =>
    Object.entries(header).map(([key, value]): [string, string] => [key, String(value)]),
  )
}
