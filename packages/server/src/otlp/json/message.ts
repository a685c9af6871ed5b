import { bytesEqual } from '../../runtime/bytes-equal.ts'
import { toDataView } from '../../runtime/copy-bytes.ts'
import { MAX_DEPTH, OtlpError } from '../error.ts'
import type { RowWriter } from '../row-writer.ts'
import { BYTE, type JsonReader } from './reader.ts'
import { JsonSkipper } from './skip.ts'

/** Writes the non-null value at the position as its protobuf field. */
export type WriteField = (json: JsonReader, out: RowWriter, name: string, depth: number) => void

/** An AnyValue is up to four JSON levels: value, kvlistValue, values, KeyValue. */
const MAX_JSON_DEPTH = 4 * MAX_DEPTH + 16

/** Maximum bytes of a member name. OTLP has 25 at most; longer names are unknown. */
const MAX_NAME_BYTES = 64 * 1024

/** Maximum messages in one item: this many take a few milliseconds. */
const MAX_MESSAGES = 262_144

/** Maximum bytes of unknown members in one item. */
const MAX_SKIPPED_BYTES = 1024 * 1024

type Member<T> = { readonly name: string; readonly view: DataView; readonly value: T }

/**
 * The members of a message by name. proto3 JSON accepts both names of a field: `traceId`, and
 * `trace_id` of the proto file.
 */
export class Members<T> {
  readonly #define: () => Readonly<Record<string, T>>
  #slots: (Member<T> | undefined)[] | undefined

  /** @param define called at first use, because messages refer to each other recursively */
  constructor(define: () => Readonly<Record<string, T>>) {
    this.#define = define
  }

  /** Reads the member name whose quote is at the position. Returns undefined if it is unknown. */
  find(json: JsonReader): Member<T> | undefined {
    const slots = (this.#slots ??= createSlots(this.#define()))
    const { bytes } = json
    const start = json.pos + 1
    const limit = start + MAX_NAME_BYTES
    let hash = 0
    let at = start
    let byte = bytes[at] as number
    while (byte !== BYTE.quote) {
      if (!(byte >= 0x20) || byte === BYTE.backslash || at >= limit) return this.#findEscaped(json, slots)
      hash = (Math.imul(hash, 31) + byte) | 0
      byte = bytes[++at] as number
    }
    json.pos = at + 1
    const member = slots[hash & (slots.length - 1)]
    const isIt =
      member !== undefined &&
      member.view.byteLength === at - start &&
      bytesEqual(member.view, 0, json.view, start, at - start)
    return isIt ? member : undefined
  }

  #findEscaped(json: JsonReader, slots: readonly (Member<T> | undefined)[]): Member<T> | undefined {
    const { end } = json
    json.end = Math.min(end, json.pos + MAX_NAME_BYTES)
    json.string()
    json.end = end
    const name = json.text()
    return slots.find((member) => member !== undefined && Buffer.from(toBytes(member.view)).toString() === name)
  }
}

function toBytes(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

/** Grows the table until each name has a slot without collisions. */
function createSlots<T>(members: Readonly<Record<string, T>>): (Member<T> | undefined)[] {
  const list = Object.entries(members).flatMap(([name, value]) =>
    [...new Set([name, toSnakeCase(name)])].map((spelling) => ({
      name,
      view: toDataView(Buffer.from(spelling)),
      value,
    })),
  )
  for (let size = 8; ; size *= 2) {
    const slots: (Member<T> | undefined)[] = Array.from({ length: size })
    for (const member of list) slots[hashName(toBytes(member.view)) & (size - 1)] ??= member
    if (slots.filter((slot) => slot !== undefined).length === list.length) return slots
  }
}

function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function hashName(bytes: Uint8Array): number {
  return bytes.reduce((hash, byte) => (Math.imul(hash, 31) + byte) | 0, 0)
}

/** A message that is read without pausing: an item or a part of one. */
export type Message = Members<WriteField>

export function message(define: () => Readonly<Record<string, WriteField>>): Message {
  return new Members(define)
}

/**
 * Writes the fields of the object at the position. If a name repeats, the last value wins, but the
 * elements of repeated arrays are all kept.
 */
export function writeFields(json: JsonReader, out: RowWriter, fields: Message, depth: number): void {
  if (json.peek() !== BYTE.openObject) throw createFieldError('message', 'an object', json)
  if (++json.messages > MAX_MESSAGES) throw new OtlpError('over-limit', `more than ${MAX_MESSAGES} objects`)
  if (depth > MAX_JSON_DEPTH) throw new OtlpError('too-deep', `attribute value nests deeper than ${MAX_DEPTH}`)
  for (let more = json.openObject(); more; more = json.nextMember()) {
    const member = fields.find(json)
    json.colon()
    if (json.isNull()) continue
    if (member !== undefined) member.value(json, out, member.name, depth + 1)
    else skipUnknown(json)
  }
}

/** Skips a value of an item. */
export function skipUnknown(json: JsonReader): void {
  const { pos } = json
  const room = MAX_SKIPPED_BYTES - json.skippedBytes
  const isDone = new JsonSkipper(json).skip(Math.min(json.end, pos + room))
  if (!isDone && json.pos - pos >= room) {
    throw new OtlpError('over-limit', `more than ${MAX_SKIPPED_BYTES} bytes of unknown members`)
  }
  if (!isDone) throw json.overrun()
  json.skippedBytes += json.pos - pos
}

/** Creates the error for a value whose type or range does not match the field. */
export function createFieldError(name: string, wanted: string, json: JsonReader): OtlpError {
  json.peek()
  if (json.pos >= json.bytes.length) return json.unexpected(wanted)
  return new OtlpError('bad-field', `${name} must be ${wanted}, got ${json.describe()}`)
}
