import { setTimeout as sleep } from 'node:timers/promises'
import { type Admin, Kafka, logLevel } from 'kafkajs'

/**
 * Creates a topic and waits until its partitions have leaders. An existing topic is left unchanged.
 */
export async function createTopic(brokers: readonly string[], topic: string, partitions: number): Promise<void> {
  const admin = new Kafka({ clientId: 'testkit', brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    await admin.createTopics({
      topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }],
      // kafkajs fails if a broker under load does not know the topic yet
      // (UNKNOWN_TOPIC_OR_PARTITION).
      waitForLeaders: false,
      timeout: TIMEOUT_MS,
    })
    const deadline = Date.now() + TIMEOUT_MS
    while (!(await isReady(admin, topic))) {
      if (Date.now() > deadline) throw new Error(`topic ${topic} has no leaders after ${TIMEOUT_MS / 1000} s`)
      await sleep(20)
    }
  } finally {
    await admin.disconnect()
  }
}

const TIMEOUT_MS = 60_000

/** A leader may be elected before it accepts requests; a first send would then be retried. */
async function isReady(admin: Admin, topic: string): Promise<boolean> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const partitions = topics[0]?.partitions ?? []
    if (partitions.length === 0 || partitions.some(({ leader }) => leader < 0)) return false
    await admin.fetchTopicOffsets(topic)
    return true
  } catch (error) {
    // Plain Node finds no named export of kafkajs's error classes, so `instanceof` is not possible.
    const { type = (error as { readonly cause?: { readonly type?: string } }).cause?.type } = error as {
      readonly type?: string
    }
    if (type !== undefined && NOT_READY.has(type)) return false
    throw error
  }
}

const NOT_READY = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION'])
