import { setTimeout as sleep } from 'node:timers/promises'
import { type Admin, Kafka, logLevel } from 'kafkajs'

/**
 * Creates a topic and waits until its partitions have leaders. An existing topic is left unchanged.
 */
export async function createTopic(brokers: readonly string[], topic: string, partitions: number): Promise<void> {
  const admin = new Kafka({ clientId: 'testkit', brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const deadline = Date.now() + TIMEOUT_MS
    for (;;) {
      const problem = await tryCreate(admin, topic, partitions)
      if (problem === undefined) return
      if (Date.now() > deadline) throw new Error(`topic ${topic} is not ready after ${TIMEOUT_MS / 1000} s: ${problem}`)
      await sleep(20)
    }
  } finally {
    await admin.disconnect()
  }
}

const TIMEOUT_MS = 60_000

/** @returns what is not ready yet */
async function tryCreate(admin: Admin, topic: string, partitions: number): Promise<string | undefined> {
  try {
    await admin.createTopics({
      topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }],
      // kafkajs fails if a broker under load does not know the topic yet
      // (UNKNOWN_TOPIC_OR_PARTITION).
      waitForLeaders: false,
      timeout: TIMEOUT_MS,
    })
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const found = topics[0]?.partitions ?? []
    if (found.length === 0 || found.some(({ leader }) => leader < 0)) return 'LEADER_NOT_AVAILABLE'
    // A leader may be elected before it accepts requests; a first send would then be retried.
    await admin.fetchTopicOffsets(topic)
    return undefined
  } catch (error) {
    const problem = listTypes(error).find((type) => NOT_READY.has(type))
    if (problem === undefined) throw error
    return problem
  }
}

/** A node that was just started or resumed may be fenced: it leads nothing and gets no replicas. */
const NOT_READY = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'INVALID_REPLICATION_FACTOR',
  'KafkaJSBrokerNotFound',
])

type KafkaError = {
  readonly name?: string
  readonly type?: string
  readonly cause?: unknown
  readonly errors?: readonly unknown[]
}

// Plain Node finds no named export of kafkajs's error classes, so `instanceof` is not possible.
function listTypes(error: unknown): string[] {
  const { name = '', type = name, cause, errors = [] } = (error ?? {}) as KafkaError
  return [type, ...[cause, ...errors].flatMap((inner) => (inner === undefined ? [] : listTypes(inner)))]
}
