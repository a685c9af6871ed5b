import { OtlpError } from '../error.ts'
import { MAX_ITEM_BYTES, MAX_ITEMS } from '../limits.ts'
import type { Rejections } from '../rejections.ts'
import type { RowWriter } from '../row-writer.ts'
import { SLICE_BYTES, type Steps } from '../steps.ts'
import { beginMessage, endMessage, writeMessage } from './fields.ts'
import { Members, type Message, createFieldError, type WriteField } from './message.ts'
import { BYTE, type JsonReader } from './reader.ts'
import { JsonSkipper } from './skip.ts'

/** A message of any size above the items of a request, read in slices. */
export type Parent = Members<ParentMember>

type ParentMember =
  /** Read without pausing. If it can't be stored, all items below are rejected. */
  | { readonly kind: 'field'; readonly write: WriteField }
  | { readonly kind: 'items'; readonly tag: number; readonly item: Message }
  | { readonly kind: 'parent' | 'parents'; readonly tag: number; readonly parent: Parent }

/** Creates the members of a `Parent`. */
export const member = {
  field: (write: WriteField): ParentMember => ({ kind: 'field', write }),
  items: (tag: number, item: Message): ParentMember => ({ kind: 'items', tag, item }),
  parent: (tag: number, parent: Parent): ParentMember => ({ kind: 'parent', tag, parent }),
  parents: (tag: number, parent: Parent): ParentMember => ({ kind: 'parents', tag, parent }),
}

export function parent(define: () => Readonly<Record<string, ParentMember>>): Parent {
  return new Members(define)
}

/** Extra cost of a parent in bytes of the slice budget: small parents are slower per byte. */
const PARENT_COST = 64

/** Extra cost of a rejected item: an error takes microseconds. */
const REJECTION_COST = 2048

/** Length prefix that never has to move the message: a parent may have any size. */
const LENGTH_BYTES = 5

/** Rewrites a request as protobuf, in slices. */
export class ParentWriter {
  readonly #json: JsonReader
  readonly #skipper: JsonSkipper
  readonly #out: RowWriter
  readonly #rejections: Rejections
  /** Number of items written. */
  #items = 0
  #parents = 0
  #stop = SLICE_BYTES

  constructor(json: JsonReader, out: RowWriter, rejections: Rejections) {
    this.#json = json
    this.#skipper = new JsonSkipper(json)
    this.#out = out
    this.#rejections = rejections
  }

  /**
   * Writes the fields of the object at the position.
   *
   * @returns why none of it can be stored, or ''
   */
  *write(parent: Parent): Steps<string> {
    const json = this.#json
    if (json.peek() !== BYTE.openObject) throw createFieldError('message', 'an object', json)
    let reason = ''
    for (let more = json.openObject(); more; more = json.nextMember()) {
      const found = parent.find(json)
      json.colon()
      if (json.pos >= this.#stop) yield* this.#pause()
      if (json.isNull()) continue
      if (found === undefined) {
        while (!this.#skipper.skip(this.#stop)) yield* this.#pause()
        continue
      }
      const { name, value } = found
      switch (value.kind) {
        case 'field': {
          const rejection = this.#tryWrite(() => value.write(json, this.#out, name, 0))
          if (rejection === '') break
          reason ||= rejection.startsWith(name) ? rejection : `${name}: ${rejection}`
          yield* this.#skipRejected()
          break
        }
        case 'items':
          yield* this.writeItems(name, () => writeItem(json, this.#out, value.tag, value.item))
          break
        case 'parents':
          if (json.peek() !== BYTE.openArray) throw createFieldError(name, 'an array', json)
          for (let next = json.openArray(); next; next = json.nextElement()) {
            yield* this.#writeParent(value)
            if (json.pos >= this.#stop) yield* this.#pause()
          }
          break
        case 'parent':
          if (json.peek() !== BYTE.openObject) throw createFieldError(name, 'an object', json)
          yield* this.#writeParent(value)
      }
    }
    return reason
  }

  *#writeParent({ tag, parent }: { readonly tag: number; readonly parent: Parent }): Steps<void> {
    const out = this.#out
    const row = out.pos
    const items = this.#items
    if (++this.#parents > MAX_ITEMS) {
      throw new OtlpError('too-large', `a request may have at most ${MAX_ITEMS} resources, scopes and metrics`)
    }
    out.varint(tag)
    this.#stop -= PARENT_COST
    const start = beginMessage(out, LENGTH_BYTES)
    const reason = yield* this.write(parent)
    if (reason === '') return endMessage(out, start, LENGTH_BYTES)
    out.pos = row
    if (this.#items > items) this.#rejections.add(items, reason, this.#items - items)
    this.#items = items
  }

  /**
   * Writes the items of the array at the position.
   *
   * @param write writes one item
   */
  *writeItems(name: string, write: () => void): Steps<void> {
    const json = this.#json
    if (json.peek() !== BYTE.openArray) throw createFieldError(name, 'an array', json)
    for (let more = json.openArray(); more; more = json.nextElement()) {
      const isFull = this.#items + this.#rejections.count >= MAX_ITEMS
      const reason = isFull ? this.#rejections.describeItemLimit() : this.#tryWrite(write)
      if (reason === '') {
        if (json.warning !== '') this.#rejections.warn(this.#items, json.warning)
        this.#items++
      } else {
        this.#rejections.add(this.#items, reason)
        if (!isFull) this.#stop -= REJECTION_COST
        yield* this.#skipRejected()
      }
      if (json.pos >= this.#stop) yield* this.#pause()
    }
  }

  /**
   * Returns why the value at the position can't be stored, or ''. If it can't, nothing is written
   * and the position is restored.
   */
  #tryWrite(write: () => void): string {
    const json = this.#json
    const out = this.#out
    json.peek()
    const { pos } = json
    const row = out.pos
    json.beginItem(MAX_ITEM_BYTES)
    try {
      write()
      return ''
    } catch (error) {
      json.pos = pos
      out.pos = row
      return this.#rejections.fromError(error)
    } finally {
      json.endItem()
    }
  }

  *#skipRejected(): Steps<void> {
    while (!this.#skipper.skipRejected(this.#stop)) yield* this.#pause()
  }

  *#pause(): Steps<void> {
    yield this.#out.pos
    this.#stop = this.#json.pos + SLICE_BYTES
  }
}

function writeItem(json: JsonReader, out: RowWriter, tag: number, item: Message): void {
  if (json.peek() !== BYTE.openObject) throw createFieldError('message', 'an object', json)
  writeMessage(json, out, tag, item, 0)
}
