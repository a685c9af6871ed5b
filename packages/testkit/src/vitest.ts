import { afterAll, beforeAll } from 'vitest'
import { startKafka, type KafkaBroker, type KafkaOptions } from './kafka.ts'

/** One broker for a whole test file (or `describe`): `const kafka = useKafka()`, then `kafka().brokers` in a test. */
export function useKafka(options?: KafkaOptions): () => KafkaBroker {
  let broker: KafkaBroker | undefined
  beforeAll(async () => {
    broker = await startKafka(options)
  }, 600_000)
  afterAll(async () => await broker?.stop())
  return () => {
    if (!broker) throw new Error('the broker starts in beforeAll: ask for it inside a test')
    return broker
  }
}
