import { viewOf } from '../../../runtime/copy-bytes.ts'
import { ByteList } from '../native/byte-list.ts'
import { type Column, type LowCardinalityColumn, lowCardinalityColumn } from '../native/column.ts'
import { RowCursor } from '../native/row-cursor.ts'
import { writeWholeNumber } from './int64-text.ts'
import { batchCount, type Names, namesOf, NotedAttributes } from './noted-attributes.ts'
import { mayBeMessaging, NONE, operationOfKindNumber, operationOfName, operationOfWord } from './operation-words.ts'

/** Columns of `spans` that the receiver's rows lack: defaults in schema/spans.sql, in SQL. */
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

/** No offset: -1. */
const UNKNOWN = viewOf(Buffer.alloc(8, 0xff))

/** What messaging spans say of themselves, in whatever version of the conventions, as columns. */
export class MessagingColumns {
  readonly attributes = new NotedAttributes()
  readonly system = lowCardinalityColumn()
  readonly topic = lowCardinalityColumn()
  readonly group = lowCardinalityColumn()
  readonly cluster = lowCardinalityColumn()
  readonly #partition = lowCardinalityColumn()
  readonly #operations = new ByteList()
  readonly #offsets = new ByteList()
  readonly #names: LowCardinalityColumn
  /** Number of the operation + 1, by number of the name; 0 = not looked at yet. */
  #operationOfName = new Uint8Array(256)
  readonly #value = new RowCursor()
  /** Of the row taken last, as in the enum of the tables. */
  operation = NONE

  /** @param names the column of the spans' names, which has read a row before it is taken here */
  constructor(names: LowCardinalityColumn) {
    this.#names = names
  }

  columns(): Readonly<
    Record<(typeof messagingColumnNames)[number], { readonly column: Column; readonly type?: string }>
  > {
    const type = 'LowCardinality(String)'
    return {
      messaging_operation: { column: filled(this.#operations) },
      messaging_system: { column: this.system, type },
      topic: { column: this.topic, type },
      partition: { column: this.#partition, type },
      consumer_group: { column: this.group, type },
      message_offset: { column: filled(this.#offsets), type: 'Int64' },
      cluster: { column: this.cluster, type },
    }
  }

  /** To be called when the columns are clear. */
  clear(): void {
    this.#operationOfName.fill(0)
    // In each column '' gets the number 0.
    this.#value.over(EMPTY)
    for (const { dictionary } of [this.system, this.topic, this.#partition, this.group, this.cluster]) {
      this.#value.pos = 0
      dictionary.number(this.#value)
    }
  }

  /** Takes the row that `attributes` has read last, from these bytes. */
  take(bytes: Buffer, kind: number): void {
    const isMessaging = mayBeMessaging(kind)
    // Nearly all clients call something else than a broker.
    if (!isMessaging || this.attributes.hasNone()) {
      this.system.repeat(0)
      this.topic.repeat(0)
      this.#partition.repeat(0)
      this.group.repeat(0)
      this.cluster.repeat(0)
      this.operation = isMessaging ? operationOfKindNumber(kind) : NONE
      this.#offsets.append(UNKNOWN, 0, 8)
    } else {
      const isOfSystem = this.#put(this.system, bytes, namesOf.system)
      this.#put(this.topic, bytes, namesOf.topic)
      this.#put(this.#partition, bytes, namesOf.partition)
      this.#put(this.group, bytes, namesOf.group)
      this.#put(this.cluster, bytes, namesOf.cluster)
      this.operation = this.#operation(bytes, kind, isOfSystem)
      const offsetAt = this.attributes.find(namesOf.offset, bytes)
      if (offsetAt < 0 || !writeWholeNumber(bytes, offsetAt, this.#offsets)) this.#offsets.append(UNKNOWN, 0, 8)
    }
    this.#operations.u8(this.operation)
  }

  /** Where the row taken last has the number of its messages; -1 where it has none. */
  batchCountAt(bytes: Buffer): number {
    return this.attributes.hasNone() ? -1 : this.attributes.find(batchCount, bytes)
  }

  /** @returns whether the row has a value */
  #put(column: LowCardinalityColumn, bytes: Buffer, names: Names): boolean {
    const at = this.attributes.find(names, bytes)
    if (at < 0) {
      column.repeat(0)
      return false
    }
    if (this.#value.bytes !== bytes) this.#value.over(bytes)
    this.#value.pos = at
    column.read(this.#value)
    return true
  }

  #operation(bytes: Buffer, kind: number, isOfSystem: boolean): number {
    const { from, to } = namesOf.operation
    for (let place = from; place < to; place++) {
      const at = this.attributes.valueAt(place)
      if (at < 0) continue
      // A length of more than a byte is that of no word.
      const said = operationOfWord(bytes, at + 1, bytes[at] as number)
      if (said !== NONE) return said
    }
    const named = isOfSystem ? this.#namedOperation() : NONE
    return named === NONE ? operationOfKindNumber(kind) : named
  }

  #namedOperation(): number {
    const number = this.#names.last()
    const { dictionary } = this.#names
    if (number >= this.#operationOfName.length) {
      const larger = new Uint8Array(Math.max(number + 1, this.#operationOfName.length * 2))
      larger.set(this.#operationOfName)
      this.#operationOfName = larger
    }
    const known = this.#operationOfName[number] as number
    if (known > 0) return known - 1
    const { strings } = dictionary
    const found = operationOfName(strings.bytes, dictionary.startOf(number), dictionary.lengthOf(number))
    this.#operationOfName[number] = found + 1
    return found
  }
}

/** A column whose values come from elsewhere than a row's bytes. */
function filled(values: ByteList): Column {
  return { read: () => {}, prefix: () => {}, data: () => [values.used()], clear: () => values.clear() }
}
