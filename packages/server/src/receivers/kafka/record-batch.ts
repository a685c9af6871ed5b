import { decompressors, MAX_DECOMPRESSED_BYTES } from './codecs.ts'
import { crc32c } from './crc32c.ts'
import { type BatchContext, type KafkaRecord, readRecords } from './record.ts'

/** kafkajs's reader of a record set, at the start of a batch. */
export type BatchReader = { readonly buffer: Buffer; offset: number }

/**
 * Where the fields of a RecordBatch start (https://kafka.apache.org/documentation/#recordbatch).
 * The CRC covers everything from the attributes on.
 */
const FIELD_OFFSETS = {
  baseOffset: 0,
  length: 8,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  producerId: 43,
  count: 57,
  records: 61,
} as const
const LENGTH_END = 12

/**
 * Batches of OTLP requests have far fewer records, and kafkajs fails beyond about 120,000 in a
 * batch.
 */
const MAX_RECORDS = 100_000

/** Per fetch: many small batches may each decompress to the limit of one batch. */
const MAX_DECOMPRESSED_FETCH_BYTES = 16 * 1024 * 1024

/** Keyed by the buffer of the fetch response. */
const decompressedBytes = new WeakMap<ArrayBufferLike, number>()

/**
 * Decodes the next batch and moves the reader past it. For an unreadable batch it returns one
 * record at the last offset, with `unreadable` set: the consumer quarantines it and continues.
 *
 * @throws PartialFetchError if the batch is incomplete or the fetch's limit is exceeded
 */
export async function decodeBatch(reader: BatchReader): Promise<{ records: KafkaRecord[] }> {
  const batch = reader.buffer.subarray(reader.offset)
  const length = LENGTH_END + batch.readInt32BE(FIELD_OFFSETS.length)
  const isWhole = length >= FIELD_OFFSETS.records
  // The fetch limit cuts off the last batch. After an invalid length the next batch can't be found.
  if (isWhole && batch.length < length) throw new PartialFetchError('the rest is fetched again')
  const memory = batch.buffer
  const unpackedBefore = decompressedBytes.get(memory) ?? 0
  if (unpackedBefore > MAX_DECOMPRESSED_FETCH_BYTES) throw new PartialFetchError('the rest is fetched again')
  reader.offset += isWhole ? length : batch.length
  const bytes = isWhole ? batch.subarray(0, length) : batch
  const context = readContext(bytes)
  try {
    const unpacked = await decompressRecords(bytes)
    decompressedBytes.set(memory, unpackedBefore + unpacked.length)
    return { records: readRecords(unpacked, bytes.readInt32BE(FIELD_OFFSETS.count), context) }
  } catch (error) {
    const { firstOffset: baseOffset } = context
    const lastOffsetDelta = Math.max(0, bytes.readInt32BE(FIELD_OFFSETS.lastOffsetDelta))
    const lastOffset = String(BigInt(baseOffset) + BigInt(lastOffsetDelta))
    const unreadable = { baseOffset, lastOffset, error: (error as Error).message, bytes: Buffer.from(bytes) }
    // kafkajs skips control records, and the attributes of a corrupt batch are not to be believed.
    const empty = { key: null, value: null, isControlRecord: false, batchContext: context }
    return { records: [{ ...empty, offset: lastOffset, unreadable }] }
  }
}

/** For an error of this name kafkajs keeps the decoded records and fetches the rest again. */
class PartialFetchError extends Error {
  override readonly name = 'KafkaJSPartialMessageError'
}

function readContext(batch: Buffer): BatchContext {
  const attributes = batch.readInt16BE(FIELD_OFFSETS.attributes)
  return {
    firstOffset: String(batch.readBigInt64BE(FIELD_OFFSETS.baseOffset)),
    inTransaction: (attributes & 0x10) !== 0,
    isControlBatch: (attributes & 0x20) !== 0,
    producerId: String(batch.readBigInt64BE(FIELD_OFFSETS.producerId)),
  }
}

async function decompressRecords(batch: Buffer): Promise<Buffer> {
  if (LENGTH_END + batch.readInt32BE(FIELD_OFFSETS.length) !== batch.length)
    throw new RangeError('the batch has no valid length')
  if (crc32c(batch.subarray(FIELD_OFFSETS.attributes)) !== batch.readUInt32BE(FIELD_OFFSETS.crc)) {
    throw new RangeError('the batch is corrupt: its CRC does not match')
  }
  const count = batch.readInt32BE(FIELD_OFFSETS.count)
  if (count < 0 || count > MAX_RECORDS) {
    throw new RangeError(`the batch has ${count} records, more than ${MAX_RECORDS}`)
  }
  const codec = batch.readInt16BE(FIELD_OFFSETS.attributes) & 7
  const decompress = decompressors.get(codec)
  if (decompress === undefined) throw new RangeError(`the batch is compressed with an unknown codec, number ${codec}`)
  try {
    return await decompress(batch.subarray(FIELD_OFFSETS.records))
  } catch (cause) {
    const isTooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    const problem = isTooLarge ? `it unpacks to more than ${MAX_DECOMPRESSED_BYTES} bytes` : (cause as Error).message
    throw new RangeError(`the batch can't be decompressed: ${problem}`, { cause })
  }
}
