import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { useOwnKafka } from '@spanlink/testkit/vitest'
import type * as KafkaJs from 'kafkajs'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

// Runs the built program in plain Node, which imports CommonJS packages differently from vitest.
const repository = fileURLToPath(new URL('../../../../', import.meta.url))
const main = join(repository, 'packages/server/dist/cli/main.js')

const user = { username: 'spanlink', password: 'sesame' }
const kafka = useOwnKafka({ tls: true, sasl: user, heapMegabytes: 512 })

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = createRequire(import.meta.url)(
  'kafkajs',
) as typeof KafkaJs
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: ({ buffer }: { buffer: Buffer }) => promisify(zstdCompress)(buffer),
})

let directory = ''
beforeAll(async () => {
  await promisify(execFile)(process.execPath, [join(repository, 'scripts/build.ts'), '--if-stale'])
  directory = await mkdtemp(join(tmpdir(), 'spanlink-kafka-built-'))
  const certificate = kafka().tls?.certificate
  if (certificate === undefined) throw new Error('these tests need Kafka from jars, for its TLS listener')
  await writeFile(join(directory, 'ca.pem'), certificate)
  await writeFile(join(directory, 'password'), `${user.password}\n`)
}, 300_000)
afterAll(() => rm(directory, { recursive: true, force: true }))

const WAIT = { timeout: 60_000, interval: 100 }

test.each(['plain', 'scram-sha-256', 'scram-sha-512'])(
  'spans of a Kafka topic are received over TLS with SASL %s',
  async (mechanism) => {
    await using topic = await newTopic()
    const id = traceId()
    await topic.send([span(id)])
    await using spanlink = await startSpanlink({
      main,
      args: [
        `--kafka-brokers=${kafka().tls?.broker}`,
        `--kafka-topics=traces=${topic.name}`,
        `--kafka-tls-ca=${join(directory, 'ca.pem')}`,
        `--kafka-sasl-mechanism=${mechanism}`,
        `--kafka-sasl-username=${user.username}`,
        `--kafka-sasl-password-file=${join(directory, 'password')}`,
      ],
    })
    await vi.waitUntil(() => isStored(spanlink, id), WAIT)
    const command = await readFile(`/proc/${spanlink.pid}/cmdline`, 'latin1')
    expect(command).not.toContain(user.password)
  },
  120_000,
)

test('a wrong Kafka password is logged and the server continues to run', async () => {
  await using spanlink = await startSpanlink({
    main,
    args: ['--kafka-brokers', kafka().tls?.broker ?? '', '--kafka-tls-ca', join(directory, 'ca.pem')],
    env: { SPANLINK_KAFKA_SASL_USERNAME: user.username, SPANLINK_KAFKA_SASL_PASSWORD: 'wrong' },
  })
  await vi.waitUntil(() => spanlink.stderr().includes("can't be read"), WAIT)
  expect(spanlink.stderr()).toMatch(/[Aa]uthentication/)
})

test.each([
  ['gzip', CompressionTypes.GZIP, {}],
  ['zstd', CompressionTypes.ZSTD, {}],
  // The broker compresses them: these are Java's own codecs.
  ['lz4', CompressionTypes.GZIP, { 'compression.type': 'lz4' }],
  ['snappy', CompressionTypes.GZIP, { 'compression.type': 'snappy', 'max.message.bytes': '10000000' }],
])(
  'a %s bomb in a Kafka topic is quarantined, counted and logged once, and later records are stored',
  async (_, compression, config) => {
    await using topic = await newTopic(config)
    const [before, after] = [traceId(), traceId()]
    await topic.send([span(before)])
    await topic.send([Buffer.alloc(70 << 20)], compression)
    await topic.send([span(after)])
    await using spanlink = await startSpanlink({
      main,
      args: ['--kafka-brokers', kafka().brokers.join(), '--kafka-topics', `traces=${topic.name}`],
    })
    await vi.waitUntil(async () => (await isStored(spanlink, before)) && (await isStored(spanlink, after)), WAIT)
    const status = (await spanlink.getJson('/api/status')) as { readonly kafka: unknown }
    const lastError = expect.stringContaining(`${topic.name}/0, offset 1: the batch can't be decompressed`)
    expect(status.kafka).toMatchObject({ quarantine: { batches: 1, bytes: expect.any(Number), lastError } })
    const metrics = await (await fetch(`${spanlink.url}/metrics`)).text()
    expect(metrics).toContain('spanlink_kafka_quarantined_batches_total 1')
    const name = `${topic.name}-0-1-1`
    const files = join(spanlink.dataDir, 'kafka-quarantine')
    expect((await readdir(files)).sort()).toEqual([`${name}.batch`, `${name}.json`])
    expect(JSON.parse(await readFile(join(files, `${name}.json`), 'utf8'))).toMatchObject({
      topic: topic.name,
      partition: 0,
      baseOffset: '1',
      lastOffset: '1',
    })
    expect(spanlink.stderr().match(/Kafka records skipped/g)).toHaveLength(1)
    expect(spanlink.stderr()).not.toContain('restarting')
  },
  180_000,
)

function traceId(): string {
  return randomBytes(16).toString('hex')
}

function span(id: string): Buffer {
  const startTimeUnixNano = String(BigInt(Date.now()) * 1_000_000n)
  const one = { traceId: id, spanId: randomBytes(8).toString('hex'), name: 'sent to Kafka', startTimeUnixNano }
  return Buffer.from(encodeTraces(tracesOf('orders', [one])))
}

async function isStored({ url }: { readonly url: string }, id: string): Promise<boolean> {
  return (await fetch(`${url}/api/traces/${id}`)).ok
}

async function newTopic(config: Readonly<Record<string, string>> = {}) {
  const name = `otlp-${randomBytes(4).toString('hex')}`
  await kafka().createTopic(name)
  const client = new Kafka({ clientId: 'test', brokers: kafka().brokers, logLevel: logLevel.NOTHING })
  const [producer, admin] = [client.producer(), client.admin()]
  await Promise.all([producer.connect(), admin.connect()])
  const configEntries = Object.entries(config).map(([key, value]) => ({ name: key, value }))
  if (configEntries.length > 0) {
    const resources = [{ type: ConfigResourceTypes.TOPIC, name, configEntries }]
    await admin.alterConfigs({ validateOnly: false, resources })
  }
  return {
    name,
    send: (values: readonly Buffer[], compression = CompressionTypes.None) =>
      producer.send({ topic: name, compression, messages: values.map((value) => ({ value })) }),
    [Symbol.asyncDispose]: async () => void (await Promise.all([producer.disconnect(), admin.disconnect()])),
  }
}
