import { Consumer, Producer } from '@platformatic/kafka'
import type { Message } from '@platformatic/kafka'
import { tracePlatformatic } from '@spanlink/kafka'
import type { PlatformaticTracing } from '@spanlink/kafka'
import { closeClient } from '../support/close-client.ts'
import type { ClientUnderTest, DeliveredTestMessage, TestMessage } from './client-under-test.ts'

/** With the client's default: Buffers in, Buffers out. */
export const platformaticClient: ClientUnderTest = {
  name: '@platformatic/kafka',
  async connect(bootstrapBrokers, options) {
    const tracing = tracePlatformatic(options)
    const common = { clientId: 'suite', bootstrapBrokers, retries: 50, retryDelay: 50 }
    const producer = new Producer(common)
    const consumers: Consumer[] = []
    const consume = async (topic: string, groupId: string) => {
      const consumer = new Consumer({ ...common, groupId, maxWaitTime: 100 })
      consumers.push(consumer)
      return await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: false })
    }
    return {
      send: (topic, messages) => producer.send({ messages: messages.map((message) => inBuffers(topic, message)) }),
      async eachMessage(topic, groupId, handler) {
        const stream = await consume(topic, groupId)
        void (async () => {
          for await (const message of stream) {
            const delivered = deliveredBy(tracing, message)
            // Nothing redelivers for us: a failed message is retried in a loop.
            while (!(await succeeds(() => tracing.process(message, () => handler(delivered)))));
          }
        })().catch(ignoreForcedClose)
      },
      async eachBatch(topic, groupId, handler) {
        const stream = await consume(topic, groupId)
        void (async () => {
          let batch: Message[] = []
          // All records of a fetch are in the stream's buffer when the first is delivered.
          for await (const message of stream) {
            batch.push(message)
            if (stream.readableLength > 0) continue
            const messages = batch.map((one) => deliveredBy(tracing, one))
            await tracing.processBatch(batch, () => handler(messages))
            batch = []
          }
        })().catch(ignoreForcedClose)
      },
      async [Symbol.asyncDispose]() {
        await Promise.all([producer, ...consumers].map(closeClient))
        tracing.disable()
      },
    }
  },
}

/** A forced close may fail a stream's running fetch. After any other failure, a test lacks messages. */
function ignoreForcedClose(): void {}

async function succeeds(attempt: () => Promise<unknown>): Promise<boolean> {
  try {
    await attempt()
    return true
  } catch {
    return false
  }
}

function inBuffers(topic: string, { key, value, headers }: TestMessage) {
  const pairs: [Buffer, Buffer][] = []
  const add = (name: string, one: string | Buffer): unknown => pairs.push([Buffer.from(name), Buffer.from(one)])
  for (const [name, values] of pairsOf(headers)) {
    for (const one of Array.isArray(values) ? values : [values]) add(name, one)
  }
  return {
    topic,
    ...(key !== undefined && { key: Buffer.from(key) }),
    ...(value !== null && { value: Buffer.from(value) }),
    // Repeated names are possible because a Map compares Buffers by identity.
    ...(headers && { headers: new Map(pairs) }),
  }
}

function pairsOf(headers: unknown): [string, string | Buffer | (string | Buffer)[]][] {
  if (headers instanceof Map) return [...headers].map(([name, value]) => [String(name), value as Buffer])
  return Object.entries(headers ?? {})
}

function deliveredBy(tracing: PlatformaticTracing, message: Message): DeliveredTestMessage {
  const headers: Record<string, unknown> = {}
  for (const [name, value] of message.headerEntries) {
    const known = headers[String(name)]
    headers[String(name)] = known === undefined ? value : [known, value].flat()
  }
  return { value: message.value?.toString(), headers, process: (fn) => tracing.process(message, fn) }
}
