import { randomUUID } from 'node:crypto'
import { processMessage } from '@spanlink/kafka'
import type * as Confluent from '@confluentinc/kafka-javascript'
import { Producer } from '@platformatic/kafka'
import { useKafka } from '@spanlink/testkit/vitest'
import { expect, test } from 'vitest'
import { createLargeTopic } from '../support/large-topic.ts'
import { idOf, useRecordedSpans } from '../support/recorded-spans.ts'
import { RdkafkaClients, polled } from './rdkafka-clients.ts'
import type { Rdkafka } from './rdkafka-clients.ts'

/** Unusual headers on the wire, consumed by clients of rdkafka's callback API. */
export function describeRdkafkaHeaders(rdkafka: Rdkafka): void {
  const kafka = useKafka()
  const spans = useRecordedSpans()

  test('messages with null, 1 MiB, 1,000 or malformed headers are consumed as without tracing, each in a process span', async () => {
    const topic = `t-${randomUUID()}`
    await createLargeTopic(kafka().brokers, topic)
    const [traceId, spanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']
    const traceparent = `00-${traceId}-${spanId}-01`
    const cases: [string, string | Buffer | null][][] = [
      [['app', null]],
      [
        ['traceparent', null],
        ['app', 'x'],
      ],
      [
        ['app', null],
        ['app', 'x'],
        ['traceparent', traceparent],
      ],
      [['empty', '']],
      [['big', Buffer.alloc(2 ** 20, 'x')]],
      Array.from({ length: 1000 }, (_, i) => [`h${i}`, String(i)]),
      [['bytes', Buffer.from([0, 255, 128])]],
      [
        ['traceparent', 'text'],
        ['traceparent', Buffer.from([255, 254])],
      ],
      [],
    ]
    const linked = cases.map((pairs) =>
      pairs.some(([, value]) => value === traceparent) ? [`${traceId}-${spanId}`] : [],
    )
    // The only client that can write a null header value.
    const other = new Producer({ clientId: 'other', bootstrapBrokers: kafka().brokers })
    for (const pairs of cases) {
      const headers = pairs.map(([key, value]) => [Buffer.from(key), value === null ? value : Buffer.from(value)])
      await other.send({
        messages: [{ topic, value: Buffer.from('v'), headers: new Map(headers as [Buffer, Buffer][]) }],
      })
    }
    await other.close()
    await using clients = new RdkafkaClients(rdkafka, kafka().brokers)
    const consumer = await clients.consumer(topic)
    const handled: unknown[] = []
    const messages = await polled(consumer, cases.length, (batch) => {
      for (const message of batch) processMessage(message, () => handled.push(message))
    })
    expect(handled).toEqual(messages)
    await using untraced = new RdkafkaClients(rdkafka, kafka().brokers, { filter: () => false })
    const byItself = await polled(await untraced.consumer(topic), cases.length)
    expect(messages.map(({ headers }) => headers)).toEqual(byItself.map(({ headers }) => headers))
    expect(messages.map(namesIn)).toEqual(cases.map((pairs) => pairs.map(([key]) => key)))
    const processed = spans.named(`process ${topic}`)
    expect(processed.map((span) => span.links.map((link) => idOf(link.context)))).toEqual(linked)
  })
}

function namesIn({ headers = [] }: Confluent.Message): string[] {
  return headers.flatMap((header) => Object.keys(header))
}
