/** A batch's header, as kafkajs passes it to a consumer. */
export type BatchContext = {
  readonly firstOffset: string
  readonly partitionLeaderEpoch: number
  readonly magicByte: number
  readonly lastOffsetDelta: number
  readonly firstTimestamp: string
  readonly maxTimestamp: string
  readonly timestampType: number
  readonly inTransaction: boolean
  readonly isControlBatch: boolean
  readonly producerId: string
  readonly producerEpoch: number
  readonly firstSequence: number
}

/** A batch whose records can't be read. */
export type UnreadableBatch = {
  readonly baseOffset: string
  readonly lastOffset: string
  readonly error: string
  /** The whole batch, as Kafka stores it. */
  readonly bytes: Buffer
}

/** A record, as kafkajs passes it to a consumer. */
export type KafkaRecord = {
  readonly magicByte: number
  readonly attributes: number
  readonly timestamp: string
  readonly offset: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | null | (Buffer | null)[]>>
  readonly isControlRecord: boolean
  readonly batchContext: BatchContext
  /** Set on the one record that replaces an unreadable batch. */
  readonly unreadable?: UnreadableBatch
}

const LOG_APPEND_TIME = 1

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

function readRecord(reader: VarintReader, context: BatchContext): KafkaRecord {
  const attributes = reader.byte()
  const timestampDelta = reader.signedLong()
  const offsetDelta = reader.signed()
  const key = reader.bytes()
  const value = reader.bytes()
  const headers: Record<string, Buffer | null | (Buffer | null)[]> = {}
  // A header takes at least two bytes, so a hostile count ends with a RangeError at the end.
  for (let left = reader.signed(); left > 0; left--) {
    const name = reader.bytes()?.toString('utf8') ?? ''
    const header = reader.bytes()
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined
    if (before === undefined) Object.defineProperty(headers, name, { ...HEADER_PROPERTY, value: header })
    else if (Array.isArray(before)) before.push(header)
    else headers[name] = [before, header]
  }
  return {
    magicByte: context.magicByte,
    attributes,
    timestamp:
      context.timestampType === LOG_APPEND_TIME
        ? context.maxTimestamp
        : String(BigInt(context.firstTimestamp) + timestampDelta),
    offset: String(BigInt(context.firstOffset) + BigInt(offsetDelta)),
    key,
    value,
    headers,
    isControlRecord: context.isControlBatch,
    batchContext: context,
  }
}

/** For defineProperty: assignment would fail for a header named `__proto__`. */
const HEADER_PROPERTY = { enumerable: true, writable: true, configurable: true }

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
