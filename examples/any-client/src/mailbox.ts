// A Kafka client of somebody's own, as companies have them: it polls, acknowledges, and has headers
// of its own shape. It knows nothing of tracing, and Spanlink nothing of it. (That it is made of
// kafkajs is nobody's business.)
import kafkajs from 'kafkajs'

/** Names may repeat, so headers are pairs. */
export type Headers = readonly (readonly [name: string, value: Uint8Array])[]

export interface Letter {
  readonly body: string
  readonly headers?: Headers
}

export interface ReceivedLetter extends Letter {
  readonly headers: Headers
  readonly position: { readonly partition: number; readonly offset: string }
  readonly stampedAt: number
}

export interface Mailbox extends AsyncDisposable {
  readonly name: string
  /** Gives where the letters are. */
  post(letters: readonly Letter[]): Promise<readonly ReceivedLetter['position'][]>
  /** The next letters of one partition; waits until there are some. */
  poll(): Promise<readonly ReceivedLetter[]>
  /** The letters up to this one are done with. */
  acknowledge(letter: ReceivedLetter): Promise<void>
}

export async function openMailbox(brokers: string[], name: string, reader: string): Promise<Mailbox> {
  const { Kafka, Partitioners, logLevel } = kafkajs
  const kafka = new Kafka({ brokers, clientId: reader, logLevel: logLevel.ERROR })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: name, numPartitions: 1 }] })
  await admin.disconnect()
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  const consumer = kafka.consumer({ groupId: reader, maxWaitTimeInMs: 100 })
  await Promise.all([producer.connect(), consumer.connect()])
  await consumer.subscribe({ topics: [name], fromBeginning: true })

  const arrived: ReceivedLetter[][] = []
  let wanted = Promise.withResolvers<void>()
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      arrived.push(
        batch.messages.map(({ value, headers, offset, timestamp }) => ({
          body: String(value),
          headers: Object.entries(headers ?? {}).flatMap(([key, values]) =>
            [values ?? []].flat().map((one) => [key, Buffer.from(one)] as const),
          ),
          position: { partition: batch.partition, offset },
          stampedAt: Number(timestamp),
        })),
      )
      wanted.resolve()
    },
  })
  return {
    name,
    async post(letters) {
      const messages = letters.map(({ body, headers = [] }) => ({ value: body, headers: asRecord(headers) }))
      const [stored] = await producer.send({ topic: name, messages })
      const { partition, baseOffset } = stored!
      return letters.map((_, i) => ({ partition, offset: String(Number(baseOffset) + i) }))
    },
    async poll() {
      while (arrived.length === 0) {
        await wanted.promise
        wanted = Promise.withResolvers()
      }
      return arrived.shift()!
    },
    async acknowledge({ position: { partition, offset } }) {
      await consumer.commitOffsets([{ topic: name, partition, offset: String(Number(offset) + 1) }])
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([producer.disconnect(), consumer.disconnect()])
    },
  }
}

function asRecord(headers: Headers): Record<string, Buffer[]> {
  const record: Record<string, Buffer[]> = {}
  for (const [name, value] of headers) (record[name] ??= []).push(Buffer.from(value))
  return record
}
