import { bytesEqual } from '../../runtime/bytes-equal.ts'
import { TYPE_CODES, writeAnyValue } from './any-value.ts'
import { OtlpError } from '../error.ts'
import { MAX_ATTRIBUTES } from '../limits.ts'
import { REDACTED } from '../redact/value-pattern.ts'
import { RowWriter } from '../row-writer.ts'
import { WireReader } from './wire-reader.ts'

/** Maximum bytes of keys and values, the same for one message as for a request. */
const MAX_BYTES = 64 * 1024 * 1024

const START_BYTES = 4096
const START_ATTRIBUTES = 64

/** KeyValue of common.proto. */
const KEY = 0x0a
const VALUE = 0x12

/** Many more slots than most spans have attributes, yet small enough for the CPU cache. */
const SLOT_BITS = 12

/** Maximum slots probed per key. The hash is public, so keys can be crafted to collide. */
const MAX_PROBES = 8

/**
 * The attributes of one message, read one by one into Map cells (key and value), then written as
 * the columns `attrs` (Map) and `attr_types`. OTLP requires unique keys; of duplicates the last
 * wins.
 */
export class AttributeList {
  #count = 0
  /** Each attribute's key, then its value. */
  readonly #cells = new RowWriter(START_BYTES, MAX_BYTES)
  #cellAt = new Int32Array(START_ATTRIBUTES)
  #keyAt = new Int32Array(START_ATTRIBUTES)
  #valueAt = new Int32Array(START_ATTRIBUTES)
  /** Type code of each value; 0 for a duplicate whose key occurs again later. */
  #typeCodes = new DataView(new ArrayBuffer(START_ATTRIBUTES))
  #onlyStrings = true
  /** Number of type codes that are 0. */
  #repeated = 0
  /**
   * Hash table of keys: `#first` plus the index in the list. Entries below `#first` belong to
   * previous lists.
   */
  readonly #slots = new Int32Array(2 ** SLOT_BITS)
  #first = 1
  /** Set when a key found no slot, so duplicates may be undetected. */
  #inDoubt = false
  /** Write order, if it differs from the order in the message. */
  #order: readonly number[] | undefined

  clear(): void {
    this.#first += this.#count
    if (this.#first + MAX_ATTRIBUTES >= 2 ** 31) {
      this.#slots.fill(0)
      this.#first = 1
    }
    this.#count = 0
    this.#cells.reset()
    this.#onlyStrings = true
    this.#repeated = 0
    this.#inDoubt = false
    this.#order = undefined
  }

  /** Reads the KeyValue that starts at the reader's position and ends at `end`. */
  read(reader: WireReader, end: number): void {
    const { bytes } = reader
    const keyAt = reader.pos + 2
    const keyLength = bytes[keyAt - 1] as number
    const keyEnd = keyAt + keyLength
    const rest = end - keyEnd - 2
    // Fast path for nearly all attributes: a key, then a value, both shorter than 128 bytes.
    const isPlain =
      bytes[keyAt - 2] === KEY &&
      keyLength < 0x80 &&
      rest >= 0 &&
      rest < 0x80 &&
      bytes[keyEnd] === VALUE &&
      bytes[keyEnd + 1] === rest
    if (isPlain) this.#add(reader, keyAt, keyLength, keyEnd + 2, end)
    else this.#readFields(reader, end)
    reader.pos = end
  }

  /** Size of keys and values as rows. */
  sizeBytes(): number {
    return this.#cells.pos
  }

  /** Appends the last value of the key as a String. Returns whether the key exists. */
  writeValue(key: string, writer: RowWriter): boolean {
    for (let i = this.#count - 1; i >= 0; i--) {
      if (this.#keyOf(i) !== key) continue
      const at = this.#valueAt[i] as number
      writer.copy(this.#cells.view, at, this.#endOf(i) - at)
      return true
    }
    return false
  }

  /** Sorts by key bytes. Must be called before `write`. */
  sort(): void {
    let sorted = true
    for (let i = 1; sorted && i < this.#count; i++) sorted = this.#compareKeys(i - 1, i) <= 0
    if (sorted) return
    this.#order = Array.from({ length: this.#count }, (_, i) => i).sort((a, b) => this.#compareKeys(a, b))
  }

  /** Writes the columns `attrs` and `attr_types`. */
  write(writer: RowWriter): void {
    if (this.#inDoubt) this.#dropRepeated()
    if (this.#repeated > 0 || this.#order !== undefined) return this.#writeOneByOne(writer)
    writer.varint(this.#count)
    writer.append(this.#cells)
    if (this.#onlyStrings) writer.u8(0)
    else writer.string(this.#typeCodes, 0, this.#count)
  }

  #readFields(reader: WireReader, end: number): void {
    let keyAt = 0
    let keyLength = 0
    let valueAt = 0
    let valueEnd = 0
    while (reader.pos < end) {
      const tag = reader.varint()
      if (tag === KEY) {
        keyLength = reader.length(end)
        keyAt = reader.pos
        reader.pos += keyLength
      } else if (tag === VALUE) {
        valueEnd = reader.readEnd(end)
        valueAt = reader.pos
        reader.pos = valueEnd
      } else reader.skip(tag, end)
    }
    reader.endMessage(end)
    this.#add(reader, keyAt, keyLength, valueAt, valueEnd)
  }

  #add(reader: WireReader, keyAt: number, keyLength: number, valueAt: number, valueEnd: number): void {
    if (this.#count === this.#cellAt.length) this.#grow()
    const i = this.#count++
    const cells = this.#cells
    this.#cellAt[i] = cells.pos
    cells.string(reader.view, keyAt, keyLength)
    this.#keyAt[i] = cells.pos - keyLength
    this.#valueAt[i] = cells.pos
    const typeCode =
      reader.redactor !== undefined && isHidden(reader, keyAt, keyLength)
        ? writeRedacted(cells)
        : writeAnyValue(reader, cells, valueAt, valueEnd)
    this.#typeCodes.setUint8(i, typeCode)
    if (typeCode !== TYPE_CODES.s) this.#onlyStrings = false
    const slot = hashKey(reader.view, keyAt, keyLength)
    if ((this.#slots[slot] as number) < this.#first) this.#slots[slot] = this.#first + i
    else this.#takeSlot(i, slot)
  }

  #takeSlot(i: number, from: number): void {
    const slots = this.#slots
    for (let slot = from; slot < from + MAX_PROBES; slot++) {
      const at = slot & (slots.length - 1)
      const other = (slots[at] as number) - this.#first
      const isFree = other < 0
      if (!isFree && !this.#isSameKey(other, i)) continue
      if (!isFree) this.#drop(other)
      slots[at] = this.#first + i
      return
    }
    this.#inDoubt = true
  }

  #isSameKey(i: number, j: number): boolean {
    const [a, b] = [this.#keyAt[i] as number, this.#keyAt[j] as number]
    const length = (this.#valueAt[i] as number) - a
    return length === (this.#valueAt[j] as number) - b && bytesEqual(this.#cells.view, a, this.#cells.view, b, length)
  }

  #drop(i: number): void {
    if (this.#typeCodes.getUint8(i) === 0) return
    this.#typeCodes.setUint8(i, 0)
    this.#repeated++
  }

  #dropRepeated(): void {
    const last = new Map<string, number>()
    for (let i = 0; i < this.#count; i++) {
      const key = this.#keyOf(i)
      const earlier = last.get(key)
      if (earlier !== undefined) this.#drop(earlier)
      last.set(key, i)
    }
    this.#inDoubt = false
  }

  #writeOneByOne(writer: RowWriter): void {
    const count = this.#count - this.#repeated
    let onlyStrings = true
    writer.varint(count)
    for (let index = 0; index < this.#count; index++) {
      const i = this.#order?.[index] ?? index
      const typeCode = this.#typeCodes.getUint8(i)
      if (typeCode === 0) continue
      if (typeCode !== TYPE_CODES.s) onlyStrings = false
      const at = this.#cellAt[i] as number
      writer.copy(this.#cells.view, at, this.#endOf(i) - at)
    }
    if (onlyStrings) return writer.u8(0)
    writer.varint(count)
    for (let index = 0; index < this.#count; index++) {
      const typeCode = this.#typeCodes.getUint8(this.#order?.[index] ?? index)
      if (typeCode !== 0) writer.u8(typeCode)
    }
  }

  #endOf(i: number): number {
    return i + 1 < this.#count ? (this.#cellAt[i + 1] as number) : this.#cells.pos
  }

  /** Returns the key's bytes as latin1 characters. */
  #keyOf(i: number): string {
    return this.#cells.bytes.toString('latin1', this.#keyAt[i], this.#valueAt[i])
  }

  #compareKeys(i: number, j: number): number {
    const { bytes } = this.#cells
    return bytes.compare(bytes, this.#keyAt[j], this.#valueAt[j], this.#keyAt[i], this.#valueAt[i])
  }

  #grow(): void {
    if (this.#count >= MAX_ATTRIBUTES) {
      throw new OtlpError('over-limit', `more than ${MAX_ATTRIBUTES} attributes on one span, event or link`)
    }
    const size = this.#count * 2
    this.#cellAt = growList(this.#cellAt, size)
    this.#keyAt = growList(this.#keyAt, size)
    this.#valueAt = growList(this.#valueAt, size)
    const typeCodes = new Uint8Array(size)
    typeCodes.set(new Uint8Array(this.#typeCodes.buffer))
    this.#typeCodes = new DataView(typeCodes.buffer)
  }
}

function isHidden({ bytes, redactor }: WireReader, keyAt: number, keyLength: number): boolean {
  return redactor !== undefined && redactor.hidesName(bytes.toString('utf8', keyAt, keyAt + keyLength))
}

function writeRedacted(cells: RowWriter): number {
  cells.text(REDACTED)
  return TYPE_CODES.s
}

/** Hashes length, middle and end: keys of one naming convention share prefixes. */
function hashKey(view: DataView, at: number, length: number): number {
  if (length < 4) return length === 0 ? 0 : view.getUint8(at) ^ (view.getUint8(at + length - 1) << 4)
  const middle = Math.imul(view.getInt32(at + ((length - 4) >> 1), true), 0x9e3779b1)
  return Math.imul(middle ^ view.getInt32(at + length - 4, true) ^ length, 0x85ebca6b) >>> (32 - SLOT_BITS)
}

function growList(list: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(size)
  larger.set(list)
  return larger
}
