import type * as Confluent from '@confluentinc/kafka-javascript'
import type { KafkaJS } from '@confluentinc/kafka-javascript'
import { describe, expect, test } from 'vitest'
import { traceConfluent } from '@spanlink/kafka'
import { useConfluent } from './behaviour/confluent-broker.ts'
import { nativeClient } from './support/native-client.ts'
import { useRecordedSpans } from './support/recorded-spans.ts'

// Behaviour specific to Confluent's producer, on a real broker.

const { client: confluent, isMissing } = nativeClient<typeof Confluent>('@confluentinc/kafka-javascript')

describe.skipIf(isMissing)('@confluentinc/kafka-javascript, KafkaJS API, producer', () => {
  const { newKafka, newTopic, connected, stored } = useConfluent(confluent)
  const spans = useRecordedSpans()
  const tracedOffsets = (topic: string): Map<unknown, string> => {
    const offsets = new Map<unknown, string>()
    for (const { links } of spans.named(`send ${topic}`)) {
      for (const { attributes = {} } of links) {
        const partition = String(attributes['messaging.destination.partition.id'])
        offsets.set(attributes['kafka.message.key'], `${partition}@${Number(attributes['kafka.offset'])}`)
      }
    }
    return offsets
  }
  const keyed = (count: number, from = 0): KafkaJS.Message[] =>
    Array.from({ length: count }, (_, i) => ({ key: `k${from + i}`, value: 'v' }))

  test('each record of a bulk send has the partition and offset at which the broker stored it', async () => {
    const [a, b] = [await newTopic(3), await newTopic(2)]
    await using producer = await connected()
    await Promise.all([
      producer.send({ topic: a, messages: keyed(20) }),
      producer.sendBatch({
        topicMessages: [
          { topic: a, messages: keyed(20, 20) },
          { topic: b, messages: keyed(20) },
        ],
      }),
    ])
    expect(tracedOffsets(a)).toEqual(await stored(a, 40))
    expect(tracedOffsets(b)).toEqual(await stored(b, 20))
  })

  test('sendBatch makes one Send span per topic although it calls send internally', async () => {
    const [a, b] = [await newTopic(), await newTopic()]
    await using producer = await connected()
    await producer.sendBatch({ topicMessages: [a, b].map((topic) => ({ topic, messages: [{ value: 'v' }] })) })
    expect(
      spans
        .all()
        .map((span) => span.name)
        .toSorted(),
    ).toEqual([`send ${a}`, `send ${b}`].toSorted())
  })

  test.each([true, false])('a send with splitSends %s returns the same as without tracing', async (splitSends) => {
    const results: unknown[] = []
    for (const from of [newKafka(), traceConfluent(newKafka(), { splitSends })]) {
      const topic = await newTopic(4)
      const producer = from.producer()
      await producer.connect()
      for (const messages of [keyed(30), keyed(30), keyed(1)]) {
        const result = await producer.send({ topic, messages })
        // The broker acknowledges partitions in any order.
        results.push(
          result.map((record) => ({ ...record, topicName: 't' })).toSorted((x, y) => x.partition - y.partition),
        )
      }
      await producer.disconnect()
    }
    expect(results.slice(3)).toEqual(results.slice(0, 3))
  })

  test('without splitSends the partition is set when there is only one, and the offset never', async () => {
    const [one, many] = [await newTopic(), await newTopic(3)]
    await using producer = await connected({ splitSends: false })
    for (const topic of [one, many]) await producer.send({ topic, messages: keyed(20) })
    const attributes = (topic: string) => spans.only(`send ${topic}`).links.map((link) => link.attributes ?? {})
    expect(new Set(attributes(one).map((each) => each['messaging.destination.partition.id']))).toEqual(new Set(['0']))
    expect(attributes(many).some((each) => 'messaging.destination.partition.id' in each)).toBe(false)
    expect([...attributes(one), ...attributes(many)].some((each) => 'kafka.offset' in each)).toBe(false)
  })

  test('a message object can be sent again, which the untraced client rejects', async () => {
    const topic = await newTopic()
    const record = (): KafkaJS.ProducerRecord => ({
      topic,
      messages: [{ key: 'k', value: 'v', headers: { a: '1', many: ['x', 'y'] } }],
    })
    const plain = newKafka().producer()
    await plain.connect()
    const spoilt = record()
    await plain.send(spoilt)
    await expect(plain.send(spoilt)).rejects.toThrow('Header value must be a string or buffer')
    await plain.disconnect()

    await using producer = await connected({ filter: (name) => name === topic })
    const kept = record()
    for (let i = 0; i < 3; i += 1) await producer.send(kept)
    expect(kept).toEqual(record())
    const other = { ...record(), topic: await newTopic() }
    await producer.send(other)
    await producer.send(other)
    expect(other.messages).toEqual(record().messages)
  })

  test('class instances with accessors are sent with the values that their accessors return', async () => {
    const topic = await newTopic()
    class Order {
      readonly #id: string
      constructor(id: string) {
        this.#id = id
      }
      get key(): string {
        return this.#id
      }
      get value(): string {
        return `order ${this.#id}`
      }
    }
    await using producer = await connected()
    await producer.send({ topic, messages: [new Order('o-1'), new Order('o-2')] })
    expect([...(await stored(topic, 2)).keys()]).toEqual(['o-1', 'o-2'])
  })

  test('a record that the client rejects fails with the same error as without tracing', async () => {
    const topic = await newTopic()
    const messages = [{ value: 'v' }]
    // Header values must be text or bytes here: the client sends other ones, and whether it also
    // throws depends on timing.
    const invalidRecords: unknown[] = [
      { topic, messages, acks: 1 },
      { topic, messages, timeout: 1 },
      { topic, messages, compression: 'gzip' },
      { topic },
      { topic, messages: 'text' },
      { topic, messages: [null] },
      { messages },
      { topic, messages: [{ value: 7 }] },
      { topic, messages: [{ value: 'v', partition: 99 }] },
      null,
      undefined,
    ]
    const errors: string[][] = []
    for (const from of [newKafka(), traceConfluent(newKafka())]) {
      const producer = from.producer()
      const outcome = (record: unknown): Promise<string> =>
        producer.send(record as KafkaJS.ProducerRecord).then(
          () => 'sent',
          ({ name, message }: Error) => `${name}: ${message}`,
        )
      const before = await outcome({ topic, messages })
      await producer.connect()
      errors.push([before, ...(await Promise.all(invalidRecords.map(outcome)))])
      await producer.disconnect()
    }
    expect(errors[1]).toEqual(errors[0])
    expect(errors[1]).not.toContain('sent')
    expect(errors[1]![0]).toContain('Cannot send without awaiting connect()')
  })

  test('a send rejects with its first failed record, and the other records are still sent', async () => {
    const topic = await newTopic()
    await using producer = await connected()
    const messages = [
      { key: 'a', value: 'v' },
      { key: 'big', value: 'x'.repeat(2_000_000) },
      { key: 'b', value: 'v' },
    ]
    await expect(producer.send({ topic, messages })).rejects.toMatchObject({ code: 10 })
    expect([...(await stored(topic, 2)).keys()]).toEqual(['a', 'b'])
    const send = spans.only(`send ${topic}`)
    expect(send.attributes['error.type']).toBe('MESSAGE_TOO_LARGE')
    expect(send.events[0]?.attributes?.['exception.type']).toBe('MESSAGE_TOO_LARGE')
    expect(send.status).toMatchObject({ code: 2 })
  })
})
