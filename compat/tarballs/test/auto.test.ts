import { useOwnKafka } from '@spanlink/testkit/vitest'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AppFolder, createAppFolder } from './app-folder.ts'

const kafka = useOwnKafka()
const SDK = ['@opentelemetry/sdk-node', '@opentelemetry/instrumentation-http']
let app: AppFolder

// Only what the README installs: npm adds @opentelemetry/api, a peer.
beforeAll(async () => {
  app = await createAppFolder(['kafka'], ['kafkajs@2', ...SDK])
  await app.write('app.mjs', `import { Kafka } from 'kafkajs'\n${APP}`)
  await app.write('app.cjs', `const { Kafka } = require('kafkajs')\n;(async () => {${APP}})()`)
})
afterAll(() => app?.[Symbol.asyncDispose]())

test.for([
  ['--import', 'app.mjs'],
  ['--import', 'app.cjs'],
  ['--require', 'app.mjs'],
  ['--require', 'app.cjs'],
])('%s @spanlink/kafka/auto traces %s', async ([flag, file]) => {
  await using collector = await startCollector()
  const ended = await app.run(process.execPath, [flag!, '@spanlink/kafka/auto', file!], {
    BROKER: kafka().brokers.join(),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  })
  expect(ended).toMatchObject({ code: 0, stdout: 'sent\n', stderr: expect.not.stringContaining('/auto') })
  expect(collector.bodies.join()).toContain('"name":"send orders"')
})

test('without the SDK the application runs, with one line that names the packages to install', async () => {
  await using bare = await createAppFolder(['kafka'], [], ['--legacy-peer-deps'])
  await bare.write('app.mjs', `console.log('ran')`)
  const ended = await bare.run(process.execPath, ['--import', '@spanlink/kafka/auto', 'app.mjs'])
  const names = ['@opentelemetry/api', ...SDK].join(' ')
  expect(ended).toEqual({
    code: 0,
    stdout: 'ran\n',
    stderr: `@spanlink/kafka/auto: missing packages: npm install ${names}. Nothing is traced.\n`,
  })
})

const APP = `
const producer = new Kafka({ brokers: [process.env.BROKER] }).producer()
await producer.connect()
await producer.send({ topic: 'orders', messages: [{ value: 'mug' }] })
await producer.disconnect()
console.log('sent')
`

/** Answers every export, and keeps the bodies. */
async function startCollector() {
  const bodies: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      bodies.push(body)
      response.setHeader('content-type', 'application/json').end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    bodies,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}
