import { setImmediate as nextTurn } from 'node:timers/promises'
import { readCount } from '../messaging/int64-text.ts'
import type { MessagingColumns } from '../messaging/messaging-columns.ts'
import { NONE, PROCESS, RECEIVE, SETTLE } from '../messaging/operation-words.ts'
import { ByteList } from '../native/byte-list.ts'
import type { LowCardinalityColumn } from '../native/column.ts'
import { TupleNumbers } from '../native/tuple-numbers.ts'
import { durationBucket } from './duration-bucket.ts'
import { compareDurations, durationAt, ERROR, IDS_BYTES, minuteAt, ROW } from './span-row.ts'

/** Columns of `traffic_minutes` that have a default. */
export const messageCountColumns = ['messages', 'failed_messages'] as const

/** Elements of a group: all but the first two are numbers in dictionaries of the block. */
const [MINUTE, OPERATION, SERVICE, TOPIC, SYSTEM, GROUP, CLUSTER, WIDTH] = [0, 1, 2, 3, 4, 5, 6, 7] as const

/** What is kept of a group. */
const [RECEIVED, SPANS, ERRORS, FIRST_BUCKET, KEPT] = [0, 1, 2, 3, 4] as const

/**
 * What is kept of a group's batches: messages beyond one a span, and those of spans that failed.
 * Beyond 32 bits where spans say so.
 */
const [MORE_MESSAGES, MORE_FAILED, KEPT_OF_BATCHES] = [0, 1, 2] as const

/**
 * What is kept of a group's slowest span and of one that failed, as a row of `traffic_minutes` has
 * it: the duration and ids of the one, then the ids of the other. All zeros are none, and come
 * before everything.
 */
const SLOWEST_IDS = 8
const FAILED_IDS = SLOWEST_IDS + IDS_BYTES
const NOTABLE_BYTES = FAILED_IDS + IDS_BYTES

/** What is kept of a group's bucket: spans, and the group's next bucket + 1. */
const [COUNT, NEXT_BUCKET, KEPT_OF_BUCKET] = [0, 1, 2] as const

/** Memory beyond it is given back. */
const KEEP = 1024 * 1024

const ROWS_A_TURN = 5000

/**
 * Sums a segment's spans into rows of `traffic_minutes`: test/store/rollups has the same in SQL. The
 * result depends only on the rows, so a repeated insert writes the same.
 */
export class TrafficMinutes {
  readonly #services: LowCardinalityColumn
  readonly #messaging: MessagingColumns
  readonly #groups = new TupleNumbers(WIDTH)
  readonly #group = new Uint32Array(WIDTH)
  #lastGroup = 0
  #kept = new Uint32Array(256 * KEPT)
  #batches = new Float64Array(256 * KEPT_OF_BATCHES)
  readonly #notable = new ByteList()
  readonly #buckets = new TupleNumbers(2)
  readonly #bucket = new Uint32Array(2)
  #counts = new Uint32Array(256 * KEPT_OF_BUCKET)
  readonly #rows = new ByteList()

  constructor(services: LowCardinalityColumn, messaging: MessagingColumns) {
    this.#services = services
    this.#messaging = messaging
  }

  clear(): void {
    this.#groups.clear()
    this.#buckets.clear()
    this.#lastGroup = 0
    this.#rows.clear()
    this.#notable.clear()
    if (this.#kept.length > KEEP) this.#kept = new Uint32Array(256 * KEPT)
    if (this.#batches.length > KEEP) this.#batches = new Float64Array(256 * KEPT_OF_BATCHES)
    if (this.#counts.length > KEEP) this.#counts = new Uint32Array(256 * KEPT_OF_BUCKET)
  }

  /** Takes the row at `start` that all columns have read last. */
  take(bytes: Buffer, view: DataView, start: number): void {
    const { operation, topic, system, group, cluster } = this.#messaging
    const batchCountAt = this.#messaging.batchCountAt(bytes)
    const wanted = this.#group
    wanted[MINUTE] = minuteAt(view, start + ROW.start)
    // A batch is taken once and its messages are processed one by one, or the batch is all there
    // is: counted like a `receive`, it doesn't add to them and still stands where they have no
    // spans.
    wanted[OPERATION] = operation === PROCESS && batchCountAt >= 0 ? RECEIVE : operation
    wanted[SERVICE] = this.#services.last()
    wanted[TOPIC] = topic.last()
    wanted[SYSTEM] = system.last()
    wanted[GROUP] = group.last()
    wanted[CLUSTER] = cluster.last()
    const number = this.#numberOf(wanted)
    const kept = this.#kept
    const at = number * KEPT
    const received = view.getUint32(start + ROW.received, true)
    if (received > (kept[at + RECEIVED] as number)) kept[at + RECEIVED] = received
    kept[at + SPANS] = (kept[at + SPANS] as number) + 1
    const isError = view.getUint8(start + ROW.status) === ERROR
    if (isError) kept[at + ERRORS] = (kept[at + ERRORS] as number) + 1
    if (batchCountAt >= 0) this.#countBatch(number, readCount(bytes, batchCountAt) - 1, isError)
    if (operation === NONE || operation === SETTLE || topic.dictionary.lengthOf(topic.last()) === 0) return
    this.#count(number, durationBucket(durationAt(view, start + ROW.duration)))
    this.#takeSlowest(bytes, view, start, number * NOTABLE_BYTES)
    if (isError) this.#takeFailed(bytes, start, number * NOTABLE_BYTES)
  }

  /** RowBinary of `traffic_minutes`, valid until `clear`. */
  async rows(): Promise<Buffer> {
    for (let number = 0; number < this.#groups.count; number++) {
      if (number % ROWS_A_TURN === ROWS_A_TURN - 1) await nextTurn()
      this.#write(number)
    }
    return this.#rows.used()
  }

  /**
   * Of two with the same duration the one whose ids come later, so that the order of spans doesn't
   * matter.
   */
  #takeSlowest(bytes: Buffer, view: DataView, start: number, at: number): void {
    const known = this.#notable.bytes
    const duration = start + ROW.duration
    const ids = start + ROW.ids
    const order =
      compareDurations(view, duration, this.#notable.view, at) || compareIds(bytes, ids, known, at + SLOWEST_IDS)
    if (order <= 0) return
    if (durationAt(view, duration) > 0) bytes.copy(known, at, duration, duration + 8)
    bytes.copy(known, at + SLOWEST_IDS, ids, ids + IDS_BYTES)
  }

  #takeFailed(bytes: Buffer, start: number, at: number): void {
    const known = this.#notable.bytes
    const ids = start + ROW.ids
    if (compareIds(bytes, ids, known, at + FAILED_IDS) > 0) bytes.copy(known, at + FAILED_IDS, ids, ids + IDS_BYTES)
  }

  /** Spans of a group often follow each other. */
  #numberOf(group: Uint32Array): number {
    if (this.#groups.count > 0 && this.#groups.is(this.#lastGroup, group)) return this.#lastGroup
    const before = this.#groups.count
    const number = this.#groups.number(group)
    this.#lastGroup = number
    if (number === before) {
      this.#kept = roomFor(this.#kept, (number + 1) * KEPT)
      this.#kept.fill(0, number * KEPT, (number + 1) * KEPT)
      this.#batches = roomFor(this.#batches, (number + 1) * KEPT_OF_BATCHES)
      this.#batches.fill(0, number * KEPT_OF_BATCHES, (number + 1) * KEPT_OF_BATCHES)
      this.#notable.zeros(NOTABLE_BYTES)
    }
    return number
  }

  #countBatch(group: number, more: number, isError: boolean): void {
    const counts = this.#batches
    const at = group * KEPT_OF_BATCHES
    counts[at + MORE_MESSAGES] = (counts[at + MORE_MESSAGES] as number) + more
    if (isError) counts[at + MORE_FAILED] = (counts[at + MORE_FAILED] as number) + more
  }

  #count(group: number, bucket: number): void {
    this.#bucket[0] = group
    this.#bucket[1] = bucket
    const before = this.#buckets.count
    const number = this.#buckets.number(this.#bucket)
    if (number === before) {
      this.#counts = roomFor(this.#counts, (number + 1) * KEPT_OF_BUCKET)
      this.#counts[number * KEPT_OF_BUCKET + COUNT] = 0
      this.#counts[number * KEPT_OF_BUCKET + NEXT_BUCKET] = this.#kept[group * KEPT + FIRST_BUCKET] as number
      this.#kept[group * KEPT + FIRST_BUCKET] = number + 1
    }
    const at = number * KEPT_OF_BUCKET + COUNT
    this.#counts[at] = (this.#counts[at] as number) + 1
  }

  #write(number: number): void {
    const out = this.#rows
    const kept = (what: number): number => this.#kept[number * KEPT + what] as number
    const of = (element: number): number => this.#groups.at(number, element)
    out.u32(of(MINUTE))
    out.u32(kept(RECEIVED))
    this.#messaging.topic.dictionary.write(of(TOPIC), out)
    out.u8(of(OPERATION))
    this.#messaging.system.dictionary.write(of(SYSTEM), out)
    this.#messaging.group.dictionary.write(of(GROUP), out)
    this.#services.dictionary.write(of(SERVICE), out)
    this.#messaging.cluster.dictionary.write(of(CLUSTER), out)
    out.u64(kept(SPANS))
    out.u64(kept(ERRORS))
    out.u64(kept(SPANS) + (this.#batches[number * KEPT_OF_BATCHES + MORE_MESSAGES] as number))
    out.u64(kept(ERRORS) + (this.#batches[number * KEPT_OF_BATCHES + MORE_FAILED] as number))
    this.#writeDurations(kept(FIRST_BUCKET))
    out.append(this.#notable.view, number * NOTABLE_BYTES, NOTABLE_BYTES)
  }

  #writeDurations(first: number): void {
    let size = 0
    for (let next = first; next > 0; next = this.#counts[(next - 1) * KEPT_OF_BUCKET + NEXT_BUCKET] as number) size++
    this.#rows.varint(size)
    for (let next = first; next > 0; next = this.#counts[(next - 1) * KEPT_OF_BUCKET + NEXT_BUCKET] as number) {
      this.#rows.u16(this.#buckets.at(next - 1, 1))
      this.#rows.u64(this.#counts[(next - 1) * KEPT_OF_BUCKET + COUNT] as number)
    }
  }
}

function compareIds(a: Buffer, aAt: number, b: Buffer, bAt: number): number {
  return a.compare(b, bAt, bAt + IDS_BYTES, aAt, aAt + IDS_BYTES)
}

/** As much again where it doesn't suffice. */
function roomFor<List extends Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>>(list: List, length: number): List {
  if (length <= list.length) return list
  const larger = new (list.constructor as new (length: number) => List)(list.length * 2)
  larger.set(list)
  return larger
}
