import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { parseCount } from '../messaging/int64-text.ts'
import type { MessagingColumns } from '../messaging/messaging-columns.ts'
import { NONE, PROCESS, RECEIVE, SETTLE } from '../messaging/parse-operation.ts'
import { ByteList } from '../native/byte-list.ts'
import type { LowCardinalityColumn } from '../native/column.ts'
import { growList } from '../native/grow-list.ts'
import { TupleDictionary } from '../native/tuple-dictionary.ts'
import { toDurationBucket } from './duration-bucket.ts'
import { compareDurations, readDuration, ERROR, IDS_BYTES, readMinute, SPAN_OFFSETS } from './span-offsets.ts'

/** Columns of `traffic_minutes` that have a default in SQL. */
export const messageCountColumns = ['messages', 'failed_messages'] as const

/** Elements of a row's key: all but the first two are numbers in the block's dictionaries. */
const [MINUTE, OPERATION, SERVICE, TOPIC, SYSTEM, GROUP, CLUSTER, KEY_WIDTH] = [0, 1, 2, 3, 4, 5, 6, 7] as const

/** Words per row. */
const [RECEIVED, SPANS, ERRORS, FIRST_BUCKET, ROW_WIDTH] = [0, 1, 2, 3, 4] as const

/** Per row: messages beyond one per span, of all and of failed spans. May exceed 32 bits. */
const [EXTRA_MESSAGES, EXTRA_FAILED, BATCH_WIDTH] = [0, 1, 2] as const

/**
 * Per row, as stored: duration and ids of the slowest span, then the ids of a failed one. All zeros
 * mean none, and sort before every span.
 */
const SLOWEST_IDS = 8
const FAILED_IDS = SLOWEST_IDS + IDS_BYTES
const EXAMPLES_BYTES = FAILED_IDS + IDS_BYTES

/** Words per duration bucket: spans, and the row's next bucket + 1. */
const [COUNT, NEXT_BUCKET, BUCKET_WIDTH] = [0, 1, 2] as const

/** Larger lists are released by `clear`. */
const MAX_KEPT_LENGTH = 1024 * 1024

const ROWS_PER_YIELD = 5000

/**
 * Sums a segment's spans into rows of `traffic_minutes`: test/store/rollups has the SQL. The
 * result depends only on the rows, so a repeated insert writes the same.
 */
export class TrafficMinutes {
  readonly #services: LowCardinalityColumn
  readonly #messaging: MessagingColumns
  readonly #rowKeys = new TupleDictionary(KEY_WIDTH)
  readonly #rowKey = new Uint32Array(KEY_WIDTH)
  #lastRow = 0
  #rowWords = new Uint32Array(256 * ROW_WIDTH)
  #batches = new Float64Array(256 * BATCH_WIDTH)
  readonly #examples = new ByteList()
  readonly #buckets = new TupleDictionary(2)
  readonly #bucket = new Uint32Array(2)
  #counts = new Uint32Array(256 * BUCKET_WIDTH)
  readonly #rows = new ByteList()

  constructor(services: LowCardinalityColumn, messaging: MessagingColumns) {
    this.#services = services
    this.#messaging = messaging
  }

  clear(): void {
    this.#rowKeys.clear()
    this.#buckets.clear()
    this.#lastRow = 0
    this.#rows.clear()
    this.#examples.clear()
    if (this.#rowWords.length > MAX_KEPT_LENGTH) this.#rowWords = new Uint32Array(256 * ROW_WIDTH)
    if (this.#batches.length > MAX_KEPT_LENGTH) this.#batches = new Float64Array(256 * BATCH_WIDTH)
    if (this.#counts.length > MAX_KEPT_LENGTH) this.#counts = new Uint32Array(256 * BUCKET_WIDTH)
  }

  /** Adds the row at `start`, which all columns have read. */
  add(bytes: Buffer, view: DataView, start: number): void {
    const { operation, topic, system, group, cluster } = this.#messaging
    const batchCountAt = this.#messaging.batchCountAt(bytes)
    const rowKey = this.#rowKey
    rowKey[MINUTE] = readMinute(view, start + SPAN_OFFSETS.start)
    // A processed batch counts as a `receive`: its messages may have separate `process` spans. If
    // they have none, the batch is still visible.
    rowKey[OPERATION] = operation === PROCESS && batchCountAt >= 0 ? RECEIVE : operation
    rowKey[SERVICE] = this.#services.lastNumber()
    rowKey[TOPIC] = topic.lastNumber()
    rowKey[SYSTEM] = system.lastNumber()
    rowKey[GROUP] = group.lastNumber()
    rowKey[CLUSTER] = cluster.lastNumber()
    const number = this.#findRow(rowKey)
    const words = this.#rowWords
    const at = number * ROW_WIDTH
    const received = view.getUint32(start + SPAN_OFFSETS.received, true)
    if (received > (words[at + RECEIVED] as number)) words[at + RECEIVED] = received
    words[at + SPANS] = (words[at + SPANS] as number) + 1
    const isError = view.getUint8(start + SPAN_OFFSETS.status) === ERROR
    if (isError) words[at + ERRORS] = (words[at + ERRORS] as number) + 1
    if (batchCountAt >= 0) this.#countBatch(number, parseCount(bytes, batchCountAt) - 1, isError)
    if (operation === NONE || operation === SETTLE || topic.dictionary.getLength(topic.lastNumber()) === 0) return
    this.#countDuration(number, toDurationBucket(readDuration(view, start + SPAN_OFFSETS.duration)))
    this.#updateSlowest(bytes, view, start, number * EXAMPLES_BYTES)
    if (isError) this.#updateFailed(bytes, start, number * EXAMPLES_BYTES)
  }

  /** RowBinary of `traffic_minutes`, valid until `clear`. */
  async toRows(): Promise<Buffer> {
    for (let number = 0; number < this.#rowKeys.count; number++) {
      if (number % ROWS_PER_YIELD === ROWS_PER_YIELD - 1) await yieldToEventLoop()
      this.#writeRow(number)
    }
    return this.#rows.contents()
  }

  /** Equal durations: the larger ids win, so that the order of spans doesn't matter. */
  #updateSlowest(bytes: Buffer, view: DataView, start: number, at: number): void {
    const known = this.#examples.bytes
    const duration = start + SPAN_OFFSETS.duration
    const ids = start + SPAN_OFFSETS.ids
    const order =
      compareDurations(view, duration, this.#examples.view, at) || compareIds(bytes, ids, known, at + SLOWEST_IDS)
    if (order <= 0) return
    if (readDuration(view, duration) > 0) bytes.copy(known, at, duration, duration + 8)
    bytes.copy(known, at + SLOWEST_IDS, ids, ids + IDS_BYTES)
  }

  #updateFailed(bytes: Buffer, start: number, at: number): void {
    const known = this.#examples.bytes
    const ids = start + SPAN_OFFSETS.ids
    if (compareIds(bytes, ids, known, at + FAILED_IDS) > 0) bytes.copy(known, at + FAILED_IDS, ids, ids + IDS_BYTES)
  }

  /** Consecutive spans often belong to the same row. */
  #findRow(rowKey: Uint32Array): number {
    if (this.#rowKeys.count > 0 && this.#rowKeys.equals(this.#lastRow, rowKey)) return this.#lastRow
    const before = this.#rowKeys.count
    const number = this.#rowKeys.intern(rowKey)
    this.#lastRow = number
    if (number === before) {
      this.#rowWords = growList(this.#rowWords, (number + 1) * ROW_WIDTH)
      this.#rowWords.fill(0, number * ROW_WIDTH, (number + 1) * ROW_WIDTH)
      this.#batches = growList(this.#batches, (number + 1) * BATCH_WIDTH)
      this.#batches.fill(0, number * BATCH_WIDTH, (number + 1) * BATCH_WIDTH)
      this.#examples.zeros(EXAMPLES_BYTES)
    }
    return number
  }

  #countBatch(row: number, more: number, isError: boolean): void {
    const counts = this.#batches
    const at = row * BATCH_WIDTH
    counts[at + EXTRA_MESSAGES] = (counts[at + EXTRA_MESSAGES] as number) + more
    if (isError) counts[at + EXTRA_FAILED] = (counts[at + EXTRA_FAILED] as number) + more
  }

  #countDuration(row: number, bucket: number): void {
    this.#bucket[0] = row
    this.#bucket[1] = bucket
    const before = this.#buckets.count
    const number = this.#buckets.intern(this.#bucket)
    if (number === before) {
      this.#counts = growList(this.#counts, (number + 1) * BUCKET_WIDTH)
      this.#counts[number * BUCKET_WIDTH + COUNT] = 0
      this.#counts[number * BUCKET_WIDTH + NEXT_BUCKET] = this.#rowWords[row * ROW_WIDTH + FIRST_BUCKET] as number
      this.#rowWords[row * ROW_WIDTH + FIRST_BUCKET] = number + 1
    }
    const at = number * BUCKET_WIDTH + COUNT
    this.#counts[at] = (this.#counts[at] as number) + 1
  }

  #writeRow(number: number): void {
    const out = this.#rows
    const word = (index: number): number => this.#rowWords[number * ROW_WIDTH + index] as number
    const element = (index: number): number => this.#rowKeys.get(number, index)
    out.u32(element(MINUTE))
    out.u32(word(RECEIVED))
    this.#messaging.topic.dictionary.write(element(TOPIC), out)
    out.u8(element(OPERATION))
    this.#messaging.system.dictionary.write(element(SYSTEM), out)
    this.#messaging.group.dictionary.write(element(GROUP), out)
    this.#services.dictionary.write(element(SERVICE), out)
    this.#messaging.cluster.dictionary.write(element(CLUSTER), out)
    out.u64(word(SPANS))
    out.u64(word(ERRORS))
    out.u64(word(SPANS) + (this.#batches[number * BATCH_WIDTH + EXTRA_MESSAGES] as number))
    out.u64(word(ERRORS) + (this.#batches[number * BATCH_WIDTH + EXTRA_FAILED] as number))
    this.#writeDurations(word(FIRST_BUCKET))
    out.append(this.#examples.view, number * EXAMPLES_BYTES, EXAMPLES_BYTES)
  }

  #writeDurations(first: number): void {
    let size = 0
    for (let next = first; next > 0; next = this.#counts[(next - 1) * BUCKET_WIDTH + NEXT_BUCKET] as number) size++
    this.#rows.varint(size)
    for (let next = first; next > 0; next = this.#counts[(next - 1) * BUCKET_WIDTH + NEXT_BUCKET] as number) {
      this.#rows.u16(this.#buckets.get(next - 1, 1))
      this.#rows.u64(this.#counts[(next - 1) * BUCKET_WIDTH + COUNT] as number)
    }
  }
}

function compareIds(a: Buffer, aAt: number, b: Buffer, bAt: number): number {
  return a.compare(b, bAt, bAt + IDS_BYTES, aAt, aAt + IDS_BYTES)
}
