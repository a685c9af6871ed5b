import { createRequire } from 'node:module'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lz4Bomb, snappyBomb } from '../../../test/hostile/block-bombs.ts'
import { crc32c } from './crc32c.ts'
import { decodeBatch } from './record-batch.ts'
import { MAX_DECOMPRESSED_BYTES } from './codecs.ts'

const require = createRequire(import.meta.url)
const protocol = 'kafkajs/src/protocol/recordBatch'
const { RecordBatch } = require(`${protocol}/v0`) as {
  RecordBatch: (batch: object) => Promise<{ readonly buffer: Buffer }>
}
const encodeRecord = require(`${protocol}/record/v0`) as (record: object) => { readonly buffer: Buffer }
const decodeByKafkaJs = require(`${protocol}/v0/decoder`) as (reader: object) => Promise<{ records: object[] }>
const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => { buffer: Buffer; offset: number }

const FIRST_OFFSET = 40n
const NONE = 0
const GZIP = 1
const ZSTD = 4

/** A record batch with `records` as its data, which the caller compresses. */
function batchOf(count: number, records: Buffer, codec = NONE): Buffer {
  const batch = Buffer.alloc(61 + records.length)
  batch.writeBigInt64BE(FIRST_OFFSET, 0)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt8(2, 16)
  batch.writeInt16BE(codec, 21)
  batch.writeInt32BE(Math.max(0, count - 1), 23)
  batch.writeInt32BE(count, 57)
  records.copy(batch, 61)
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return batch
}

/** Attributes, timestamp and offset 0, no key, no value, then the number of headers. */
const record = (headers = 0): Buffer => Buffer.from([12, 0, 0, 0, 1, 1, headers])

async function problemOf(batch: Buffer): Promise<string | undefined> {
  const reader = { buffer: batch, offset: 0 }
  const { records } = await decodeBatch(reader)
  expect(reader.offset).toBe(batch.length)
  return records[0]?.unreadable?.error
}

/** kafkajs mistakes names such as `valueOf` for repeated headers. */
const headerName = fc.string({ maxLength: 8 }).filter((name) => !(name in {}))

test('a record batch decodes to the same keys, values and offsets as in kafkajs', async () => {
  const bytes = fc.uint8Array({ maxLength: 40 }).map((some) => Buffer.from(some))
  const message = fc.record({
    offsetDelta: fc.nat(2000),
    timestampDelta: fc.integer({ min: -1_000_000, max: 2 ** 31 - 1 }),
    key: fc.option(bytes),
    value: fc.option(bytes),
    headers: fc.dictionary(headerName, fc.oneof(bytes, fc.array(bytes, { minLength: 2, maxLength: 3 }))),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { minLength: 1, maxLength: 8 }),
      fc.constantFrom(NONE, GZIP),
      async (all, compression) => {
        const { buffer } = await RecordBatch({
          compression,
          firstOffset: FIRST_OFFSET,
          lastOffsetDelta: 2000,
          records: all.map(encodeRecord),
        })
        const { records } = await decodeBatch(new Decoder(buffer))
        const expected = (await decodeByKafkaJs(new Decoder(buffer))).records
        expect(expected).toMatchObject(records)
        expect(records).toHaveLength(all.length)
      },
    ),
    { numRuns: 200 },
  )
})

test('an invalid record batch decodes without an exception', async () => {
  const valid = batchOf(2, Buffer.concat([record(), record()]))
  await fc.assert(
    fc.asyncProperty(
      fc.nat(valid.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      async (at, bits, sealed) => {
        const hostile = Buffer.from(valid)
        hostile[at] = (hostile[at] as number) ^ bits
        // With a matching CRC, as a malicious producer would send.
        if (sealed) hostile.writeUInt32BE(crc32c(hostile.subarray(21)), 17)
        // A length beyond the end of the fetch is a truncated batch.
        if (hostile.readInt32BE(8) > valid.length - 12) return
        const { records } = await decodeBatch({ buffer: hostile, offset: 0 })
        expect(records.length).toBeLessThanOrEqual(2)
      },
    ),
    { numRuns: 500 },
  )
})

test.each([
  ['with a wrong CRC', () => batchOf(1, record()).fill(0xff, 60, 61), /CRC/],
  ['with the attributes of a control batch and a wrong CRC', () => batchOf(1, record()).fill(0x20, 22, 23), /CRC/],
  ['with an unknown codec', () => batchOf(1, record(), 5), /unknown codec, number 5/],
  [
    'with a codec that does not match its data',
    () => batchOf(1, record(), GZIP),
    /can't be decompressed: incorrect header/,
  ],
  ['with fewer records than its count', () => batchOf(2, record()), /./],
  ['with a record that ends behind the batch', () => batchOf(1, record().fill(100, 0, 1)), /ends behind its batch/],
  ['with a record of more headers than bytes', () => batchOf(1, record(100)), /./],
  [
    'with more records than the limit',
    () => batchOf(20_000_000, zstdCompressSync(Buffer.alloc(7)), ZSTD),
    /20000000 records/,
  ],
])('a batch %s is unreadable, and the next batch is decoded', async (_, hostile, problem) => {
  expect(await problemOf(hostile())).toMatch(problem)
  const reader = { buffer: Buffer.concat([hostile(), batchOf(1, record())]), offset: 0 }
  const [bad] = (await decodeBatch(reader)).records
  // kafkajs would skip a control record.
  expect(bad).toMatchObject({ value: null, isControlRecord: false, unreadable: { baseOffset: '40' } })
  expect(bad?.unreadable?.lastOffset).toBe(bad?.offset)
  expect((await decodeBatch(reader)).records[0]).not.toHaveProperty('unreadable')
})

const zeros = Buffer.alloc(MAX_DECOMPRESSED_BYTES + 1)

test.each([
  ['gzip', GZIP, () => gzipSync(zeros)],
  ['snappy', 2, () => snappyBomb(zeros.length)],
  ['lz4', 3, () => lz4Bomb(zeros.length)],
  ['zstd', ZSTD, () => zstdCompressSync(zeros)],
])('a %s bomb is unreadable and not decompressed beyond the limit', async (_, codec, bomb) => {
  expect(await problemOf(batchOf(1, bomb(), codec))).toMatch(/too large|more than/)
})

test('batches of one fetch are decoded up to a size limit, and the rest is fetched again', async () => {
  const large = batchOf(1, gzipSync(Buffer.alloc(10 << 20)), GZIP)
  const reader = { buffer: Buffer.concat([large, large, large]), offset: 0 }
  await decodeBatch(reader)
  await decodeBatch(reader)
  await expect(decodeBatch(reader)).rejects.toMatchObject({ name: 'KafkaJSPartialMessageError' })
  expect(reader.offset).toBe(2 * large.length)
})
