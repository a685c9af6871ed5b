import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { useOwnKafka } from '@spanlink/testkit/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AppFolder, canInstallNode, createAppFolder, installNode, OLD_NODE, WORKSPACE_BIN } from './app-folder.ts'

const kafka = useOwnKafka()
let app: AppFolder

beforeAll(async () => {
  app = await createAppFolder(
    ['kafka'],
    [
      '@opentelemetry/api',
      '@opentelemetry/context-async-hooks',
      '@opentelemetry/core',
      '@opentelemetry/instrumentation',
      '@opentelemetry/sdk-node',
      '@opentelemetry/sdk-trace',
      '@opentelemetry/semantic-conventions',
      '@platformatic/kafka@2',
      '@types/node',
      'esbuild',
      'kafkajs@2',
    ],
  )
})
afterAll(() => app?.[Symbol.asyncDispose]())

const node = process.execPath
const ENTRIES = ['', '/auto', '/instrumentation', '/register', '/sampler', '/testing']

test('every entry can be imported and required, and both return the same module', async () => {
  await app.write(
    'entries.mjs',
    `import { createRequire } from 'node:module'
    const require = createRequire(import.meta.url)
    for (const entry of ${JSON.stringify(ENTRIES)}) {
      const name = '@spanlink/kafka' + entry
      const imported = await import(name)
      const required = require(name)
      console.log('entry' + entry, Object.keys(imported).every((key) => imported[key] === required[key]))
    }`,
  )
  const { stdout } = await app.run(node, ['entries.mjs'])
  expect(stdout.trim().split('\n')).toEqual(ENTRIES.map((entry) => `entry${entry} true`))
})

const USE = `import { createKafkaTelemetry, traceKafkaJS, type KafkaTelemetryOptions } from '@spanlink/kafka'
import { KafkaInstrumentation } from '@spanlink/kafka/instrumentation'
import { LinkedSampler } from '@spanlink/kafka/sampler'
import { recordSpans } from '@spanlink/kafka/testing'
import { Kafka } from 'kafkajs'
const options: KafkaTelemetryOptions = { correlation: 'parent' }
export const traced: Kafka = traceKafkaJS(new Kafka({ brokers: [] }), options)
export const rest = [createKafkaTelemetry(options), new KafkaInstrumentation(options), LinkedSampler, recordSpans()]
// @ts-expect-error: the types are there, so a wrong option is an error
createKafkaTelemetry({ correlation: 'neither' })
`

test.each([
  ['use.mts', 'node16', 'node16'],
  ['use.cts', 'node16', 'node16'],
  ['use.mts', 'nodenext', 'nodenext'],
  ['use.cts', 'nodenext', 'nodenext'],
  ['use.mts', 'esnext', 'bundler'],
])('%s compiles in strict TypeScript with module %s and resolution %s', async (file, module, moduleResolution) => {
  await app.write(file, USE)
  const compilerOptions = { module, moduleResolution, strict: true, target: 'es2022', noEmit: true, types: ['node'] }
  await app.write(
    'tsconfig.json',
    JSON.stringify({ compilerOptions: { ...compilerOptions, skipLibCheck: true }, files: [file] }),
  )
  expect(await app.run(join(WORKSPACE_BIN, 'tsc'), ['-p', '.'])).toEqual({ code: 0, stdout: '', stderr: '' })
})

test('the declarations have no type errors, as ES modules and as CommonJS', async () => {
  const files = ['index', 'instrumentation', 'sampler', 'testing/index'].flatMap((entry) =>
    ['', 'cjs/'].map((folder) => `node_modules/@spanlink/kafka/dist/${folder}${entry}.d.ts`),
  )
  const compilerOptions = { module: 'nodenext', strict: true, target: 'es2022', noEmit: true, types: ['node'] }
  await app.write('tsconfig.json', JSON.stringify({ compilerOptions, files }))
  const { stdout } = await app.run(join(WORKSPACE_BIN, 'tsc'), ['-p', '.'])
  expect(stdout.split('\n').filter((line) => line.includes('@spanlink'))).toEqual([])
})

describe('@spanlink/kafka/register', () => {
  const BUNDLED = `import { Kafka } from 'kafkajs'\nconsole.log(typeof new Kafka({ brokers: ['x:1'] }).producer)`
  const bundle = (...external: string[]) =>
    app.run(join(app.path, 'node_modules/.bin/esbuild'), [
      'app.js',
      '--bundle',
      '--platform=node',
      '--outfile=bundle.cjs',
      '--log-level=error',
      ...external,
    ])

  test('warns when the Kafka client is bundled, and not when it is external', async () => {
    await app.write('app.js', BUNDLED)
    expect((await bundle()).code).toBe(0)
    const bundled = await app.run(node, ['--import', '@spanlink/kafka/register', 'bundle.cjs'])
    expect(bundled).toMatchObject({ code: 0, stdout: 'function\n' })
    expect(bundled.stderr).toContain('No Kafka client was loaded')

    expect((await bundle('--external:kafkajs')).code).toBe(0)
    const external = await app.run(node, ['--import', '@spanlink/kafka/register', 'bundle.cjs'])
    expect(external).toMatchObject({ code: 0, stdout: 'function\n', stderr: '' })
  })

  test.skipIf(!canInstallNode)('on Node 20 logs the required version, and the application runs', async () => {
    const old = join(await installNode(app, OLD_NODE), 'node')
    const code = 'console.log("ran")'
    const ended = await app.run(old, ['--import', '@spanlink/kafka/register', '-e', code])
    expect(ended).toMatchObject({ code: 0, stdout: 'ran\n' })
    expect(ended.stderr).toContain('needs Node 22.15 or newer, this is 20.')
    expect(ended.stderr).not.toContain('    at ')
  })
})

describe('the README of @spanlink/kafka', () => {
  const OTEL_OFF = { OTEL_TRACES_EXPORTER: 'console', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' }

  async function snippets(): Promise<readonly string[]> {
    const readme = await readFile(join(app.path, 'node_modules/@spanlink/kafka/README.md'), 'utf8')
    return [...readme.matchAll(/^```[jt]s\n(.*?)^```/gms)].map(([, code]) => code ?? '')
  }

  /** The only snippet that contains `text`, with the test's broker. */
  async function snippet(text: string): Promise<string> {
    const found = (await snippets()).filter((code) => code.includes(text))
    expect(found).toHaveLength(1)
    return (found[0] ?? '').replaceAll('localhost:9092', kafka().brokers[0] ?? '')
  }

  test('has a test example whose flow is linked', async () => {
    await kafka().createTopic('orders')
    const testing = await snippet('recordSpans()')
    const imports = `import { Kafka } from 'kafkajs'\nimport { traceKafkaJS } from '@spanlink/kafka'\n`
    await app.write(
      'flow.js',
      `${imports}${testing}
      await consumer.disconnect()
      async function placeOrder() {
        const kafka = traceKafkaJS(new Kafka({ brokers: ['${kafka().brokers[0]}'] }))
        globalThis.consumer = kafka.consumer({ groupId: 'flow' })
        await consumer.connect()
        await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
        const producer = kafka.producer()
        await producer.connect()
        const sent = await producer.send({ topic: 'orders', messages: [{ value: 'paid' }] })
        const wanted = sent[0].baseOffset
        await new Promise((resolve) => consumer.run({ eachMessage: async ({ message }) => { if (message.offset === wanted) resolve() } }))
        await producer.disconnect()
      }`,
    )
    const { stdout, stderr, code } = await app.run(node, ['flow.js'])
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('AssertionError')])
    expect(stdout).toContain('process orders ← send orders')
  })

  test('has a quick start that traces a send and its linked consumer', async () => {
    await kafka().createTopic('orders')
    await app.write('otel.js', await snippet('new NodeSDK('))
    const quickStart = await snippet('await producer.send(')
    await app.write(
      'app.js',
      `${quickStart}\nasync function ship() { setTimeout(() => process.kill(process.pid, 'SIGTERM')) }\n
      process.once('SIGTERM', () => Promise.all([producer.disconnect(), consumer.disconnect()]))\n`,
    )
    const ended = await app.run(node, ['--import', './otel.js', 'app.js'], OTEL_OFF)
    expect(ended.stdout).toContain("name: 'process orders'")
    expect(ended.stdout).toContain("name: 'send orders'")
    const links = /name: 'process orders'[\s\S]*?links: (\[[\s\S]*?\n {2}\])/.exec(ended.stdout)?.[1]
    expect(links).toContain('traceId')
  })

  test('has TypeScript snippets that compile', async () => {
    await app.write('globals.d.ts', GLOBALS)
    const own = /^import /m
    const files: string[] = []
    for (const [index, code] of (await snippets()).entries()) {
      if (!own.test(code) || !code.includes("from '@spanlink")) continue
      files.push(`readme-${index}.ts`)
      await app.write(`readme-${index}.ts`, code)
    }
    expect(files.length).toBeGreaterThan(4)
    const compilerOptions = {
      module: 'nodenext',
      strict: true,
      target: 'es2024',
      noEmit: true,
      types: ['node'],
      skipLibCheck: true,
    }
    await app.write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['globals.d.ts', ...files] }))
    const { stdout } = await app.run(join(WORKSPACE_BIN, 'tsc'), ['-p', '.'])
    expect(stdout.split('\n').filter((line) => !isMissingClient(line) && line !== '')).toEqual([])
  })

  /** Declarations of the variables that the snippets expect. */
  const GLOBALS = `
declare const consumer: import('kafkajs').Consumer
declare const client: { [name: string]: (...input: any[]) => Promise<readonly { partition: number; offset: string }[]> }
interface MyMessage { topic: string; partition: number; offset: string; key: Buffer; value: Buffer; headers: Record<string, string> }
declare const message: MyMessage
declare const messages: MyMessage[]
declare function ship(message: unknown): Promise<void>
declare function shipAll(messages: readonly unknown[]): Promise<void>
declare function placeOrder(): Promise<void>
`

  /** Native clients are not installed, so snippets that import them have type errors. */
  function isMissingClient(line: string): boolean {
    return /TS2307.*(node-rdkafka|@confluentinc)|TS7006|^\s/.test(line)
  }
})
