import { randomUUID } from 'node:crypto'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { useKafka } from '@spanlink/testkit/vitest'
import { describe, expect, test } from 'vitest'
import { nativeClient } from './support/native-client.ts'
import type { described } from './support/recorded-spans.ts'
import { SDK_MAJOR } from './support/sdk.ts'

// Applications without tracing code, each in its own process, on a real broker.

type DescribedSpan = ReturnType<typeof described>

const APPS = {
  'app.cjs': fileURLToPath(new URL('./register/app.cjs', import.meta.url)),
  'app.mjs': fileURLToPath(new URL('./register/app.mjs', import.meta.url)),
}
const OTEL = fileURLToPath(new URL('./register/otel.ts', import.meta.url))
const REGISTER = '@spanlink/kafka/register'
const nativePackages: Readonly<Record<string, string>> = {
  confluent: '@confluentinc/kafka-javascript',
  'confluent-rdkafka': '@confluentinc/kafka-javascript',
  'node-rdkafka': 'node-rdkafka',
}
const missing = (client: string): boolean => {
  const name = nativePackages[client]
  return name !== undefined && nativeClient(name).isMissing
}

// In this folder `--import` resolves the package and the SDK it is installed with.
const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
// On SDK 2 one client that is patched and one that is not suffice.
const CLIENTS = SDK_MAJOR === 3 ? ['kafkajs', 'confluent', 'platformatic'] : ['kafkajs', 'platformatic']
const RDKAFKA_CLIENTS = SDK_MAJOR === 3 ? ['node-rdkafka', 'confluent-rdkafka'] : []

// Each test mostly waits for its consumer group, so all run concurrently.
describe.concurrent('node --import @spanlink/kafka/register', () => {
  const kafka = useKafka()

  interface App {
    readonly file: 'app.cjs' | 'app.mjs'
    readonly client: string
    readonly imports?: readonly string[]
    readonly environment?: Readonly<Record<string, string>>
  }

  const spansOf = async ({ file, client, imports = [OTEL, REGISTER], environment = {} }: App) => {
    const topic = `t-${randomUUID()}`
    await kafka().createTopic(topic)
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--conditions=spanlink:source', ...imports.map((one) => `--import=${one}`), APPS[file], client],
      {
        cwd: PACKAGE,
        env: { ...process.env, BROKERS: kafka().brokers.join(), TOPIC: topic, ...environment },
        timeout: 100_000,
      },
    )
    const spans = stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as DescribedSpan)
    const named = (operation: string) => spans.filter(({ name }) => name === `${operation} ${topic}`)
    return { spans, named, stdout, stderr }
  }

  for (const file of ['app.mjs', 'app.cjs'] as const) {
    for (const client of CLIENTS) {
      test.skipIf(missing(client))(
        `traces ${client} in ${file} once, and the process span links to the send span`,
        async () => {
          const { named } = await spansOf({ file, client })
          const [send, ...others] = named('send')
          const [process, ...more] = named('process')
          expect([others, more]).toEqual([[], []])
          expect(send!.attributes['messaging.client.id']).toBe('app')
          expect(send!.kind).toBe('PRODUCER')
          expect(process!.links).toHaveLength(1)
          expect(process!.attributes['messaging.consumer.group.name']).toMatch(/^g-/)
        },
      )
    }

    for (const client of RDKAFKA_CLIENTS) {
      test.skipIf(missing(client))(
        `traces ${client} in ${file} once, and the poll span links to the send span`,
        async () => {
          const { named } = await spansOf({ file, client })
          expect(named('send').map(({ kind }) => kind)).toEqual(['PRODUCER'])
          expect(named('poll').flatMap(({ links }) => links)).toHaveLength(1)
        },
      )
    }
  }

  test('works with the SDK registered later and with the client loaded earlier', async () => {
    const [after, before] = await Promise.all([
      spansOf({ file: 'app.mjs', client: 'kafkajs', imports: [REGISTER, OTEL] }),
      spansOf({ file: 'app.cjs', client: 'kafkajs', imports: ['kafkajs', OTEL, REGISTER] }),
    ])
    expect(after.named('process').flatMap(({ links }) => links)).toHaveLength(1)
    expect(before.named('process').flatMap(({ links }) => links)).toHaveLength(1)
  })

  test('reads options from the environment, and logs an invalid option with its value', async () => {
    const { named, stderr } = await spansOf({
      file: 'app.mjs',
      client: 'kafkajs',
      environment: { SPANLINK_KAFKA_CORRELATION: 'link,t-*=parent', SPANLINK_KAFKA_SEMCONV: '2.0' },
    })
    const [process] = named('process')
    expect(process!.parent).toBe(process!.links[0]!.to)
    expect(stderr).toContain('SPANLINK_KAFKA_SEMCONV is "2.0", which is ignored')
    const excluded = await spansOf({
      file: 'app.mjs',
      client: 'kafkajs',
      environment: { SPANLINK_KAFKA_EXCLUDED_TOPICS: 't-*' },
    })
    expect(excluded.spans).toEqual([])
  })

  test('runs with the SDK and API of the tested major version', async () => {
    const { stdout } = await spansOf({ file: 'app.mjs', client: 'kafkajs' })
    expect(stdout).toContain(`SDK ${SDK_MAJOR}, API 1.${SDK_MAJOR === 3 ? 10 : 9}.`)
  })

  test('leaves the application running without an SDK', async () => {
    const { spans } = await spansOf({ file: 'app.mjs', client: 'kafkajs', imports: [REGISTER] })
    expect(spans).toEqual([])
  })
})
