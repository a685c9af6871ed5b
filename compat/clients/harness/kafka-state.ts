import { setTimeout as sleep } from 'node:timers/promises'
import { type Admin, Kafka, logLevel } from 'kafkajs'

/**
 * Groups and topics as the broker reports them. Each topic of the scenario has one partition.
 */
export type KafkaState = {
  readonly isConsuming: (group: string) => Promise<boolean>
  /** Committed offset of the group; 0 before its first commit. */
  readonly committedOffset: (group: string, topic: string) => Promise<number>
  readonly endOffset: (topic: string) => Promise<number>
  readonly close: () => Promise<void>
}

export async function connectAdmin(brokers: readonly string[]): Promise<KafkaState> {
  const admin: Admin = new Kafka({ clientId: 'harness', brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  return {
    isConsuming: async (group) => (await admin.describeGroups([group])).groups[0]?.state === 'Stable',
    committedOffset: async (groupId, topic) => {
      const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
      return Math.max(0, Number(found?.partitions[0]?.offset ?? 0))
    },
    endOffset: async (topic) => Number((await admin.fetchTopicOffsets(topic))[0]?.high ?? 0),
    close: () => admin.disconnect(),
  }
}

/**
 * Resolves when the condition holds; rejects, naming it, after `WAIT_TIMEOUT_MS`. A broker under
 * load may reject a request.
 */
export async function waitUntil(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_TIMEOUT_MS
  for (;;) {
    let cause: unknown
    const holds = await condition().catch((error: unknown) => void (cause = error))
    if (holds) return
    if (Date.now() > deadline) throw new Error(`${what}: not within ${WAIT_TIMEOUT_MS / 1000} s`, { cause })
    await sleep(100)
  }
}

const WAIT_TIMEOUT_MS = 120_000
