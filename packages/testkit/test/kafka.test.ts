import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { startKafka } from '../src/kafka/kafka.ts'
import { useOwnKafka } from '../src/kafka/use-kafka.ts'

describe('a test broker', () => {
  const kafka = useOwnKafka()

  test('delivers a message with its headers to a consumer group', async () => {
    await kafka().createTopic('orders', { partitions: 3 })
    const client = new Kafka({ brokers: kafka().brokers, logLevel: logLevel.NOTHING })
    const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    await producer.send({ topic: 'orders', messages: [{ key: 'k', value: 'v', headers: { h: 'x' } }] })
    await producer.disconnect()

    const consumer = client.consumer({ groupId: 'payment' })
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders', fromBeginning: true })
    const received = await new Promise((resolve) => {
      void consumer.run({
        eachMessage: async ({ message }) =>
          resolve([message.key?.toString(), message.value?.toString(), message.headers?.['h']?.toString()]),
      })
    })
    await consumer.disconnect()
    expect(received).toEqual(['k', 'v', 'x'])
  })

  test('creates a topic with the requested partitions and does not change an existing one', async () => {
    await kafka().createTopic('stock', { partitions: 4 })
    await kafka().createTopic('stock', { partitions: 7 })
    const admin = new Kafka({ brokers: kafka().brokers, logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const { topics } = await admin.fetchTopicMetadata({ topics: ['stock'] })
    await admin.disconnect()
    expect(topics[0]?.partitions).toHaveLength(4)
  })

  test.runIf(process.platform === 'linux')('is stopped while paused and runs again when resumed', async () => {
    const pid = kafka().pid
    await kafka().pause()
    expect(await processState(pid)).toBe('T')
    kafka().resume()
    await expect.poll(async () => await processState(pid)).toBe('S')
  })
})

test('two brokers share no topics', async () => {
  await using first = await startKafka()
  await using second = await startKafka()
  await first.createTopic('only-here')
  const admin = new Kafka({ brokers: second.brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  expect(await admin.listTopics()).not.toContain('only-here')
  await admin.disconnect()
})

test('stop() ends the process and can be called twice', async () => {
  const kafka = await startKafka()
  await kafka.stop()
  await kafka.stop()
  expect(isAlive(kafka.pid)).toBe(false)
})

test('the died promise of a killed broker rejects with its exit code', async () => {
  await using kafka = await startKafka()
  process.kill(kafka.pid ?? 0, 'SIGKILL')
  await expect(kafka.died).rejects.toThrow(/ended with code 137/)
})

test('an invalid broker property fails the start with its name', async () => {
  await expect(startKafka({ properties: { 'num.partitions': 'many' } })).rejects.toThrow(/num\.partitions/)
})

test('a broker and its directory are removed when their parent process is killed with -9', async () => {
  const orphan = spawn(process.execPath, ['test/orphan-kafka.ts'], {
    cwd: new URL('..', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: orphan.stdout }), 'line')) as [string]
  const { pid } = JSON.parse(line) as { pid: number }
  const dir = await directoryOf(pid)
  expect(isAlive(pid)).toBe(true)

  orphan.kill('SIGKILL')
  await expect.poll(() => isAlive(pid), { timeout: 60_000 }).toBe(false)
  await expect.poll(() => existsSync(dir), { timeout: 60_000 }).toBe(false)
})

async function directoryOf(pid: number): Promise<string> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith('spanlink-kafka-')) continue
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8')
    if (commandLine.includes(name)) return `${tmpdir()}/${name}`
  }
  throw new Error(`no directory of process ${pid}`)
}

function isAlive(pid: number | undefined): boolean {
  try {
    process.kill(pid ?? 0, 0)
    return true
  } catch {
    return false
  }
}

async function processState(pid: number | undefined): Promise<string | undefined> {
  return /^State:\s+(\w)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
}
