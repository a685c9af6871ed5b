import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { type KafkaBroker, startKafka } from './kafka.ts'

/**
 * Vitest `globalSetup`: one broker for all files and projects of a run. It starts on the first
 * request, so runs without Kafka start none, and stops when Vitest's process exits.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let broker: Promise<KafkaBroker> | undefined
  const start = async (): Promise<KafkaBroker> => {
    // A run may send a gigabyte of messages.
    const started = await startKafka({ heapMegabytes: 512 })
    started.died.catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`)
      broker = undefined
    })
    return started
  }
  const server = createServer((_request, response) => {
    broker ??= start()
    broker.then(
      ({ brokers }) => response.end(JSON.stringify(brokers)),
      (error: unknown) => {
        broker = undefined
        response.writeHead(500).end(error instanceof Error ? error.message : String(error))
      },
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  project.provide('sharedKafkaUrl', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.close()
    server.closeAllConnections()
    await (await broker)?.stop()
  }
}
