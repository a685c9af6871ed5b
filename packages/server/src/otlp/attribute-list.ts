import { writeAnyValue } from './any-value.ts'
import { OtlpError } from './error.ts'
import { RowWriter } from './row-writer.ts'
import { WireReader } from './wire-reader.ts'

/** Of one span, event, link, resource or scope. SDKs stop at 128; it bounds the work of one hostile message. */
const MAX_ATTRIBUTES = 65_536

/** Up to it, comparing all pairs of key hashes is cheaper than a Map of strings. */
const FEW = 24

const LETTER_S = 0x73

/**
 * The attributes of one message: where each key and value lies in the request. Read field by field, then written as
 * the columns `attrs` (Map) and `attr_types`. OTLP wants keys unique; of those that aren't, the last counts.
 *
 * KeyValue (common.proto): key 1 (0x0a), value 2 (0x12).
 */
export class AttributeList {
  #count = 0
  /** How many repeat a later one's key (their `keyLength` is -1 then), or -1 before that was asked. */
  #dropped = -1
  #keyAt = new Int32Array(64)
  #keyLength = new Int32Array(64)
  #keyHash = new Int32Array(64)
  #valueAt = new Int32Array(64)
  #valueEnd = new Int32Array(64)
  #letters = Buffer.alloc(64)

  clear(): void {
    this.#count = 0
    this.#dropped = -1
  }

  /** Takes the KeyValue that starts at the reader's position and ends at `end`. */
  read(reader: WireReader, end: number): void {
    if (this.#count === this.#keyAt.length) this.#grow()
    const bytes = reader.bytes
    let keyAt = 0
    let keyLength = 0
    let valueAt = 0
    let valueEnd = 0
    while (reader.pos < end) {
      const tag = reader.varint()
      if (tag === 0x0a) {
        keyLength = reader.length(end)
        keyAt = reader.pos
        reader.pos += keyLength
      } else if (tag === 0x12) {
        const length = reader.length(end)
        valueAt = reader.pos
        valueEnd = valueAt + length
        reader.pos = valueEnd
      } else reader.skip(tag, end)
    }
    reader.endMessage(end)
    const i = this.#count++
    this.#keyAt[i] = keyAt
    this.#keyLength[i] = keyLength
    this.#valueAt[i] = valueAt
    this.#valueEnd[i] = valueEnd
    this.#keyHash[i] =
      keyLength === 0
        ? 0
        : (keyLength << 24) ^
          ((bytes[keyAt] as number) << 16) ^
          ((bytes[keyAt + (keyLength >> 1)] as number) << 8) ^
          (bytes[keyAt + keyLength - 1] as number)
  }

  /** Where the last attribute of this key has its AnyValue, or undefined. */
  find(reader: WireReader, key: string): { readonly at: number; readonly end: number } | undefined {
    for (let i = this.#count - 1; i >= 0; i--) {
      const at = this.#keyAt[i] as number
      const length = this.#keyLength[i] as number
      if (length !== key.length || reader.bytes.toString('latin1', at, at + length) !== key) continue
      return { at: this.#valueAt[i] as number, end: this.#valueEnd[i] as number }
    }
    return undefined
  }

  /** Puts them in order of key, by bytes; repeated keys stay in the order they were sent. To be called before `write`. */
  sort(reader: WireReader): void {
    let sorted = true
    for (let i = 1; sorted && i < this.#count; i++) sorted = this.#compareKeys(reader, i - 1, i) <= 0
    if (sorted) return
    const order = Array.from({ length: this.#count }, (_, i) => i).sort((a, b) => this.#compareKeys(reader, a, b))
    this.#keyAt = reordered(this.#keyAt, order)
    this.#keyLength = reordered(this.#keyLength, order)
    this.#keyHash = reordered(this.#keyHash, order)
    this.#valueAt = reordered(this.#valueAt, order)
    this.#valueEnd = reordered(this.#valueEnd, order)
  }

  /** Writes the columns `attrs` and `attr_types`. */
  write(reader: WireReader, writer: RowWriter): void {
    if (this.#dropped < 0) {
      this.#dropped = this.#count > FEW ? this.#dropRepeatedOfMany(reader) : this.#dropRepeatedOfFew(reader)
    }
    writer.varint(this.#count - this.#dropped)
    let letters = 0
    let others = false
    for (let i = 0; i < this.#count; i++) {
      const keyLength = this.#keyLength[i] as number
      if (keyLength < 0) continue
      writer.string(reader.bytes, this.#keyAt[i] as number, keyLength)
      const letter = writeAnyValue(reader, writer, this.#valueAt[i] as number, this.#valueEnd[i] as number)
      this.#letters[letters++] = letter
      if (letter !== LETTER_S) others = true
    }
    if (others) writer.string(this.#letters, 0, letters)
    else writer.u8(0)
  }

  /** Marks repeated keys by a length of -1 and tells how many. */
  #dropRepeatedOfFew(reader: WireReader): number {
    let dropped = 0
    for (let i = 1; i < this.#count; i++) {
      const hash = this.#keyHash[i]
      for (let j = 0; j < i; j++) {
        if (this.#keyHash[j] !== hash || !this.#sameKey(reader, i, j)) continue
        this.#keyLength[j] = -1
        dropped++
      }
    }
    return dropped
  }

  #dropRepeatedOfMany(reader: WireReader): number {
    let dropped = 0
    const last = new Map<string, number>()
    for (let i = 0; i < this.#count; i++) {
      const at = this.#keyAt[i] as number
      const key = reader.bytes.toString('latin1', at, at + (this.#keyLength[i] as number))
      const earlier = last.get(key)
      if (earlier !== undefined) {
        this.#keyLength[earlier] = -1
        dropped++
      }
      last.set(key, i)
    }
    return dropped
  }

  #compareKeys(reader: WireReader, i: number, j: number): number {
    const a = this.#keyAt[i] as number
    const b = this.#keyAt[j] as number
    const { bytes } = reader
    return bytes.compare(bytes, b, b + (this.#keyLength[j] as number), a, a + (this.#keyLength[i] as number))
  }

  #sameKey(reader: WireReader, i: number, j: number): boolean {
    const length = this.#keyLength[i] as number
    if (this.#keyLength[j] !== length) return false
    const a = this.#keyAt[i] as number
    const b = this.#keyAt[j] as number
    for (let k = 0; k < length; k++) if (reader.bytes[a + k] !== reader.bytes[b + k]) return false
    return true
  }

  #grow(): void {
    if (this.#count >= MAX_ATTRIBUTES) {
      throw new OtlpError('too-many-attributes', `more than ${MAX_ATTRIBUTES} attributes on one span, event or link`)
    }
    const size = this.#count * 2
    this.#keyAt = grown(this.#keyAt, size)
    this.#keyLength = grown(this.#keyLength, size)
    this.#keyHash = grown(this.#keyHash, size)
    this.#valueAt = grown(this.#valueAt, size)
    this.#valueEnd = grown(this.#valueEnd, size)
    this.#letters = Buffer.alloc(size)
  }
}

function grown(list: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(size)
  larger.set(list)
  return larger
}

function reordered(list: Int32Array, order: readonly number[]): Int32Array<ArrayBuffer> {
  const result = new Int32Array(list.length)
  order.forEach((from, to) => (result[to] = list[from] as number))
  return result
}
