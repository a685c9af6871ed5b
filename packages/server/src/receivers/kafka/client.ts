import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import type * as KafkaJs from 'kafkajs'
import type { KafkaAccess } from './access.ts'
import { type BatchReader, decodeBatch } from './record-batch.ts'
import { decompressors } from './codecs.ts'

export type KafkaClient = {
  readonly consumer: KafkaJs.Consumer
  /** Runs `start`; everything that its consumer fetches is decoded with our limits. */
  withLimits<T>(start: () => Promise<T>): Promise<T>
}

type BatchDecoder = (reader: BatchReader) => Promise<unknown>

// Not `import()`: under plain Node the named exports of this CommonJS package are incomplete.
const require = createRequire(import.meta.url)

const BATCH_DECODER = 'kafkajs/src/protocol/recordBatch/v0/decoder'
/**
 * A consumer leaves its group only after its fetch has ended, and a stopping server waits 600 ms
 * for that. A member that doesn't leave blocks the group for 30 s.
 */
const MAX_FETCH_WAIT_MS = 200

const FETCH_MODULES = /[\\/]kafkajs[\\/]src[\\/]protocol[\\/]requests[\\/]fetch[\\/]v/

const limited = new AsyncLocalStorage<true>()
let isPatched = false

/**
 * @throws if the optional package kafkajs isn't installed, or its decoder can't be replaced
 */
export function loadKafkaJs(): typeof KafkaJs {
  try {
    const kafkajs = require('kafkajs') as typeof KafkaJs
    if (!isPatched) limitDecoding(kafkajs)
    isPatched = true
    return kafkajs
  } catch (cause) {
    throw new Error('Receiving from Kafka needs the package kafkajs: npm install kafkajs@2.2.4', { cause })
  }
}

export function connectToKafka(access: KafkaAccess, groupId: string): KafkaClient {
  const { Kafka, logLevel } = loadKafkaJs()
  const { brokers, tls, sasl } = access
  const kafka = new Kafka({
    clientId: 'spanlink',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    ...(tls === undefined ? {} : { ssl: { ...tls } }),
    ...(sasl === undefined ? {} : { sasl: sasl as KafkaJs.SASLOptions }),
  })
  return {
    consumer: kafka.consumer({
      groupId,
      maxWaitTimeInMs: MAX_FETCH_WAIT_MS,
      retry: { restartOnFailure: () => Promise.resolve(true) },
    }),
    withLimits: (start) => limited.run(true, start),
  }
}

/**
 * kafkajs decompresses without a limit, checks no CRC, and retries a fetch with a bad batch forever
 * (docs/adr/0025-own-kafka-batch-decoder.md). Its decoder is replaced for our consumer only: an
 * application that embeds the server may use kafkajs too.
 */
function limitDecoding({ CompressionCodecs, CompressionTypes }: typeof KafkaJs): void {
  const decode = require(BATCH_DECODER) as BatchDecoder
  const batchDecoder = require.cache[require.resolve(BATCH_DECODER)]
  if (batchDecoder === undefined) throw new Error('kafkajs has no batch decoder')
  batchDecoder.exports = (reader: BatchReader) =>
    limited.getStore() === undefined ? decode(reader) : decodeBatch(reader)
  // Fetch modules that are loaded already hold the original decoder; kafkajs loads them again.
  for (const path of Object.keys(require.cache)) if (FETCH_MODULES.test(path)) delete require.cache[path]
  // Message sets (before Kafka 0.11) don't use the batch decoder, so the codecs are limited too.
  for (const [type, decompress] of decompressors) {
    if (type === CompressionTypes.None) continue
    const codec = CompressionCodecs[type as keyof typeof CompressionCodecs]
    CompressionCodecs[type as keyof typeof CompressionCodecs] = () =>
      limited.getStore() === undefined ? codec() : { decompress }
  }
}
