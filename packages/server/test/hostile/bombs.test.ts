import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { deflateSync, gzip as gzipAsync, gzipSync, zstdCompress, zstdCompressSync } from 'node:zlib'
import { useOwnKafka } from '@spanlink/testkit/vitest'
import type * as KafkaJs from 'kafkajs'
import { expect, test, vi } from 'vitest'
import { lz4Bomb, snappyBomb, xerialBomb } from './block-bombs.ts'
import { expectUnharmed, runAttack } from './run-attack.ts'

const MINUTES = 60_000
const MiB = 2 ** 20
const zeros = Buffer.alloc(128 * MiB)

const gzip = gzipSync(zeros)

const bombs = {
  // A stream of gzip may have several members.
  gzip: () => Buffer.concat(Array.from({ length: 8 }, () => gzip)),
  deflate: () => deflateSync(zeros),
  zstd: () => Buffer.concat(Array.from({ length: 8 }, () => zstdCompressSync(zeros))),
  snappy: () => snappyBomb(128 * MiB),
  lz4: () => lz4Bomb(1024 * MiB),
}

// Decompressed, 20 are more than the memory limit.
test(
  '20 concurrent decompression bombs of each encoding are rejected while other exporters are served',
  async () => {
    const statuses: Record<string, number[]> = {}
    const report = await runAttack({
      attack: async (server) => {
        for (const [encoding, bomb] of Object.entries(bombs)) {
          const body = Uint8Array.from(bomb())
          const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': encoding }
          statuses[encoding] = await Promise.all(
            Array.from({ length: 20 }, async () => {
              const response = await fetch(`${server.otlpHttp}/v1/traces`, { method: 'POST', headers, body })
              await response.arrayBuffer()
              return response.status
            }),
          )
        }
      },
    })
    expectUnharmed(report)
    // 400: a block may announce a size above the limit of a body.
    const areRejected = (got: readonly number[]): boolean => got.every((status) => [400, 413, 503].includes(status))
    expect(Object.entries(statuses).filter(([, got]) => !areRejected(got))).toEqual([])
  },
  5 * MINUTES,
)

const kafka = useOwnKafka({ heapMegabytes: 512, properties: { 'message.max.bytes': String(8 * MiB) } })

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = createRequire(import.meta.url)(
  'kafkajs',
) as typeof KafkaJs
// All batches have the same records, which take seconds to compress.
const codecs = [
  [CompressionTypes.GZIP, promisify(gzipAsync)],
  [CompressionTypes.ZSTD, promisify(zstdCompress)],
  [CompressionTypes.Snappy, compressWith(xerialBomb)],
  [CompressionTypes.LZ4, compressWith(lz4Bomb)],
] as const
for (const [type, pack] of codecs) {
  let packed: Promise<Buffer> | undefined
  CompressionCodecs[type] = () => ({ compress: ({ buffer }: { buffer: Buffer }) => (packed ??= pack(buffer)) })
}

/** Compresses records whose value is zeros. */
function compressWith(bomb: (length: number, head: Buffer) => Buffer): (records: Buffer) => Promise<Buffer> {
  const headBytes = 40
  return async (records) => bomb(records.length, records.subarray(0, headBytes))
}

test(
  '12 gzip, zstd, snappy and lz4 bombs in a Kafka topic are quarantined while exporters are served',
  async () => {
    const topic = `otlp-${randomBytes(4).toString('hex')}`
    await kafka().createTopic(topic)
    const client = new Kafka({ clientId: 'attacker', brokers: kafka().brokers, logLevel: logLevel.NOTHING })
    const producer = client.producer()
    await producer.connect()
    const report = await runAttack({
      args: ['--kafka-brokers', kafka().brokers.join(), '--kafka-topics', `traces=${topic}`],
      attack: async (server) => {
        const value = zeros.subarray(0, 100 * MiB)
        for (let at = 0; at < 3; at++) {
          for (const [compression] of codecs) await producer.send({ topic, compression, messages: [{ value }] })
        }
        await vi.waitUntil(
          async () => {
            const status = (await server.getJson('/api/status')) as Status
            return status.kafka?.quarantine.batches === 12
          },
          { timeout: 2 * MINUTES, interval: 200 },
        )
      },
    })
    await producer.disconnect()
    expect(() => expectUnharmed(report)).not.toThrow()
  },
  5 * MINUTES,
)

type Status = { readonly kafka?: { readonly quarantine: { readonly batches: number } } }
