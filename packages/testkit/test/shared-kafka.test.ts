import type { TestProject } from 'vitest/node'
import { expect, inject, test } from 'vitest'
import { kafkaSource } from '../src/kafka/kafka.ts'
import setup from '../src/kafka/shared-kafka.ts'
import { useKafka } from '../src/kafka/use-kafka.ts'

const kafka = useKafka()
const kind = (await kafkaSource()).kind

test('all files of a run share one broker', async () => {
  const [first, second] = await Promise.all([
    brokersAt(inject('sharedKafkaUrl')!),
    brokersAt(inject('sharedKafkaUrl')!),
  ])
  expect(first).toEqual(kafka().brokers)
  expect(second).toEqual(first)
})

test.skipIf(kind === 'external')('the shared broker starts with the first request and stops with the run', async () => {
  const { promise: url, resolve } = Promise.withResolvers<string>()
  const teardown = await setup({ provide: (_: string, value: string) => resolve(value) } as unknown as TestProject)
  const brokers = await brokersAt(await url)
  expect(brokers).not.toEqual(kafka().brokers)
  await teardown()
  await expect(fetch(`http://${brokers[0]}`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
})

async function brokersAt(url: string): Promise<string[]> {
  return (await (await fetch(url)).json()) as string[]
}
