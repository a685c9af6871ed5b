import { toDataView } from '../../../runtime/copy-bytes.ts'
import { ByteList } from '../native/byte-list.ts'
import {
  type Column,
  type LowCardinalityColumn,
  createLowCardinalityColumn,
  createValuesColumn,
} from '../native/column.ts'
import { growList } from '../native/grow-list.ts'
import { RowCursor } from '../native/row-cursor.ts'
import { writeInt64 } from './int64-text.ts'
import { batchCountRange, kafkaTopicRange, type NameRange, nameRanges, AttributesColumn } from './attributes-column.ts'
import { isMessagingKind, NONE, toOperation, parseSpanName, parseOperation } from './parse-operation.ts'

/**
 * Columns of `spans` derived from attributes: defaults in schema/spans.sql, in SQL. Of these, the
 * receiver's rows have only `cluster`: that of the resource.
 */
export const messagingColumnNames = [
  'messaging_operation',
  'messaging_system',
  'topic',
  'partition',
  'consumer_group',
  'message_offset',
  'cluster',
] as const

/** '' in RowBinary. */
const EMPTY = Buffer.alloc(1)

/** In RowBinary. */
const KAFKA = Buffer.from('\x05kafka')

/** No offset: -1. */
const UNKNOWN_OFFSET = toDataView(Buffer.alloc(8, 0xff))

/** Messaging attributes of any version of the conventions, as columns. */
export class MessagingColumns {
  readonly attributes = new AttributesColumn()
  readonly system = createLowCardinalityColumn()
  readonly topic = createLowCardinalityColumn()
  readonly group = createLowCardinalityColumn()
  readonly cluster = createLowCardinalityColumn()
  readonly #partition = createLowCardinalityColumn()
  readonly #operations = new ByteList()
  readonly #offsets = new ByteList()
  readonly #names: LowCardinalityColumn
  /** Number of the operation + 1, by number of the name; 0 = not parsed yet. */
  #operationByName = new Uint8Array(256)
  readonly #value = new RowCursor()
  /** Position of the resource's cluster in the last row. */
  #resourceClusterAt = 0
  /** Operation of the last row: its number in the tables' enum. */
  operation = NONE

  /** @param names column of the span names, which reads a row before `add` */
  constructor(names: LowCardinalityColumn) {
    this.#names = names
  }

  columns(): Readonly<
    Record<(typeof messagingColumnNames)[number], { readonly column: Column; readonly type?: string }>
  > {
    const type = 'LowCardinality(String)'
    return {
      messaging_operation: { column: createValuesColumn(this.#operations) },
      messaging_system: { column: this.system, type },
      topic: { column: this.topic, type },
      partition: { column: this.#partition, type },
      consumer_group: { column: this.group, type },
      message_offset: { column: createValuesColumn(this.#offsets), type: 'Int64' },
      cluster: { column: { ...this.cluster, read: (cursor) => this.#readResourceCluster(cursor) }, type },
    }
  }

  /** Call it after the columns are cleared. */
  clear(): void {
    this.#operationByName.fill(0)
    // '' has the number 0 in each column.
    this.#value.reset(EMPTY)
    for (const { dictionary } of [this.system, this.topic, this.#partition, this.group, this.cluster]) {
      this.#value.pos = 0
      dictionary.intern(this.#value)
    }
  }

  /** Adds the row that `attributes` read last, from these bytes. */
  add(bytes: Buffer, kind: number): void {
    const isMessaging = isMessagingKind(kind)
    // Nearly all client spans call something other than a broker.
    if (!isMessaging || this.attributes.hasNone()) {
      this.system.repeat(0)
      this.topic.repeat(0)
      this.#partition.repeat(0)
      this.group.repeat(0)
      this.cluster.repeat(0)
      this.operation = isMessaging ? toOperation(kind) : NONE
      this.#offsets.append(UNKNOWN_OFFSET, 0, 8)
    } else {
      const hasSystem = this.#addSystem(bytes)
      this.#addValue(this.topic, bytes, nameRanges.topic)
      this.#addValue(this.#partition, bytes, nameRanges.partition)
      this.#addValue(this.group, bytes, nameRanges.group)
      this.#addCluster(bytes)
      this.operation = this.#parseAttributes(bytes, kind, hasSystem)
      const offsetAt = this.attributes.find(nameRanges.offset, bytes)
      if (offsetAt < 0 || !writeInt64(bytes, offsetAt, this.#offsets)) this.#offsets.append(UNKNOWN_OFFSET, 0, 8)
    }
    this.#operations.u8(this.operation)
  }

  /** Position of the last row's message count; -1 if it has none. */
  batchCountAt(bytes: Buffer): number {
    return this.attributes.hasNone() ? -1 : this.attributes.find(batchCountRange, bytes)
  }

  #readResourceCluster(cursor: RowCursor): void {
    this.#resourceClusterAt = cursor.pos
    const length = cursor.varint()
    cursor.pos += length
  }

  /**
   * @returns whether the row names its system: the span names of Brave are not of the conventions
   */
  #addSystem(bytes: Buffer): boolean {
    const at = this.attributes.find(nameRanges.system, bytes)
    const isBrave = at < 0 && this.attributes.find(kafkaTopicRange, bytes) >= 0
    if (isBrave) this.#addValueAt(this.system, KAFKA, 0)
    else this.#addValueAt(this.system, bytes, at)
    return at >= 0
  }

  /** A Kafka span that names no cluster belongs to the cluster of its resource. */
  #addCluster(bytes: Buffer): void {
    const at = this.attributes.find(nameRanges.cluster, bytes)
    const resourceAt = this.#resourceClusterAt
    const isFallback = at < 0 && bytes[resourceAt] !== 0 && this.#mayBeKafka(bytes)
    this.#addValueAt(this.cluster, bytes, isFallback ? resourceAt : at)
  }

  #mayBeKafka(bytes: Buffer): boolean {
    const at = this.attributes.find(nameRanges.system, bytes)
    return at < 0 || bytes.compare(KAFKA, 0, KAFKA.length, at, at + KAFKA.length) === 0
  }

  #addValue(column: LowCardinalityColumn, bytes: Buffer, names: NameRange): void {
    this.#addValueAt(column, bytes, this.attributes.find(names, bytes))
  }

  /** @param at -1 for no value */
  #addValueAt(column: LowCardinalityColumn, bytes: Buffer, at: number): void {
    if (at < 0) return column.repeat(0)
    if (this.#value.bytes !== bytes) this.#value.reset(bytes)
    this.#value.pos = at
    column.read(this.#value)
  }

  #parseAttributes(bytes: Buffer, kind: number, hasSystem: boolean): number {
    const { from, to } = nameRanges.operation
    for (let index = from; index < to; index++) {
      const at = this.attributes.valueAt(index)
      if (at < 0) continue
      // No alias has a length of more than one varint byte.
      const operation = parseOperation(bytes, at + 1, bytes[at] as number)
      if (operation !== NONE) return operation
    }
    const named = hasSystem ? this.#parseName() : NONE
    return named === NONE ? toOperation(kind) : named
  }

  #parseName(): number {
    const number = this.#names.lastNumber()
    const { dictionary } = this.#names
    if (number >= this.#operationByName.length) this.#operationByName = growList(this.#operationByName, number + 1)
    const known = this.#operationByName[number] as number
    if (known > 0) return known - 1
    const { strings } = dictionary
    const found = parseSpanName(strings.bytes, dictionary.getStart(number), dictionary.getLength(number))
    this.#operationByName[number] = found + 1
    return found
  }
}
