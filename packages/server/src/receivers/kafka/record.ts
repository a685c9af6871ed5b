/** A batch's header, as kafkajs drops records of aborted transactions by it. */
export type BatchContext = {
  readonly firstOffset: string
  readonly inTransaction: boolean
  readonly isControlBatch: boolean
  readonly producerId: string
}

/** A batch whose records can't be read. */
export type UnreadableBatch = {
  readonly baseOffset: string
  readonly lastOffset: string
  readonly error: string
  /** The whole batch, as Kafka stores it. */
  readonly bytes: Buffer
}

/** The fields of a record that kafkajs's consumer and the receiver read. */
export type KafkaRecord = {
  readonly offset: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly isControlRecord: boolean
  readonly batchContext: BatchContext
  /** Set on the one record that replaces an unreadable batch. */
  readonly unreadable?: UnreadableBatch
}

/**
 * Parses the decompressed records of a batch (https://kafka.apache.org/documentation/#record).
 *
 * @throws RangeError if `bytes` aren't `count` well-formed records
 */
export function readRecords(bytes: Buffer, count: number, context: BatchContext): KafkaRecord[] {
  const reader = new VarintReader(bytes)
  const records: KafkaRecord[] = []
  for (let n = 0; n < count; n++) {
    const length = reader.signed()
    const end = reader.at + length
    if (length < 0 || end > bytes.length) throw new RangeError('a record ends behind its batch')
    records.push(readRecord(reader, context))
    if (reader.at !== end) throw new RangeError('a record is not as long as it states')
  }
  return records
}

function readRecord(reader: VarintReader, batchContext: BatchContext): KafkaRecord {
  // Attributes and the delta of the timestamp.
  reader.byte()
  reader.signedLong()
  const offsetDelta = reader.signed()
  const key = reader.bytes()
  const value = reader.bytes()
  // A header takes at least two bytes, so a hostile count ends with a RangeError at the end.
  for (let left = reader.signed(); left > 0; left--) {
    reader.bytes()
    reader.bytes()
  }
  const offset = String(BigInt(batchContext.firstOffset) + BigInt(offsetDelta))
  return { offset, key, value, isControlRecord: batchContext.isControlBatch, batchContext }
}

/** Reads zig-zag varints and length-prefixed bytes; past the end it throws a RangeError. */
class VarintReader {
  readonly #bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  byte(): number {
    return this.#bytes.readUInt8(this.at++)
  }

  signed(): number {
    return Number(BigInt.asIntN(32, this.signedLong()))
  }

  signedLong(): bigint {
    let [low, shift] = [0, 0]
    for (; shift < 28; shift += 7) {
      const byte = this.byte()
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return BigInt((low >>> 1) ^ -(low & 1))
    }
    let value = BigInt(low)
    for (; shift < 70; shift += 7) {
      const byte = this.byte()
      value |= BigInt(byte & 0x7f) << BigInt(shift)
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
    }
    throw new RangeError('a number is longer than 10 bytes')
  }

  /** Length-prefixed; null for a negative length. */
  bytes(): Buffer | null {
    const length = this.signed()
    if (length < 0) return null
    const end = this.at + length
    if (end > this.#bytes.length) throw new RangeError('bytes end behind their batch')
    const bytes = this.#bytes.subarray(this.at, end)
    this.at = end
    return bytes
  }
}
