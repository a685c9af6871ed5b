import { afterAll, beforeAll, inject } from 'vitest'
import type { KafkaOptions } from './jvm.ts'
import { type KafkaBroker, startKafka, type TopicOptions } from './kafka.ts'
import { createTopic } from './topic.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Responds with the brokers of the Kafka that all test files of a run share. */
    readonly sharedKafkaUrl: string | undefined
  }
}

/**
 * A cluster that other tests use at the same time: names of topics, groups and clients have to be
 * random.
 */
export interface SharedKafka {
  /** `host:port`, as a client's `brokers` takes them. */
  readonly brokers: string[]
  /** Makes a topic and waits for its leader. */
  readonly createTopic: (name: string, options?: TopicOptions) => Promise<void>
}

/**
 * The broker of the whole test run: `const kafka = useKafka()`, then `kafka().brokers` in a test.
 */
export function useKafka(): () => SharedKafka {
  return useResource(async () => {
    const url = inject('sharedKafkaUrl')
    if (url === undefined) throw new Error('no shared Kafka: run vitest in the root of the repository')
    const response = await fetch(url)
    if (!response.ok) throw new Error(await response.text())
    const brokers = (await response.json()) as string[]
    return {
      brokers,
      createTopic: async (name, topic) => await createTopic(brokers, name, topic?.partitions ?? 1),
    }
  })
}

/** A broker for one test file (or `describe`), which it may configure, pause or kill. */
export function useOwnKafka(options?: KafkaOptions): () => KafkaBroker {
  return useResource(
    async () => await startKafka(options),
    async (broker) => await broker.stop(),
  )
}

function useResource<T>(start: () => Promise<T>, stop?: (started: T) => Promise<void>): () => T {
  let started: T | undefined
  beforeAll(async () => {
    started = await start()
  }, 600_000)
  afterAll(async () => {
    if (started !== undefined) await stop?.(started)
  })
  return () => {
    if (started === undefined) throw new Error('the broker starts in beforeAll: use it inside a test')
    return started
  }
}
