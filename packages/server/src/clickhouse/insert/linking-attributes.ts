import { isMessagingAttribute } from './messaging/attribute-name.ts'
import { isMessagingKind } from './messaging/parse-operation.ts'
import { ByteList } from './native/byte-list.ts'
import { type RowCursor, skipString } from './native/row-cursor.ts'
import { SPAN_OFFSETS } from './rollups/span-offsets.ts'

/**
 * Maximum size of what all backlinks of a span repeat of it. Beyond it, as with kilobytes times
 * thousands of links, they say that attributes of the linking span are left out.
 */
const MAX_REPEATED_BYTES = 16 * 1024 * 1024

/** Positions in a row of `spans`. */
export type LinkingSpan = {
  readonly start: number
  readonly nameEnd: number
  readonly attributesAt: number
  readonly links: number
  readonly clusterAt: number
  readonly end: number
}

/**
 * Messaging attributes of a linking span, which each of its backlinks repeats. They name the record
 * where the link doesn't: otherwise a reader would have to fetch the linking span.
 */
export class LinkingAttributes {
  #count = 0
  #isLeftOut = false
  /** With the cluster of the resource at the end. */
  readonly #keys = new ByteList()
  readonly #values = new ByteList()

  /** Reads a span with links, once for all of them. */
  read(row: RowCursor, { start, nameEnd, attributesAt, links, clusterAt, end }: LinkingSpan): void {
    const { bytes, view } = row
    this.#clear()
    if (!isMessagingKind(view.getUint8(start + SPAN_OFFSETS.kind))) return
    row.pos = attributesAt
    for (let left = row.varint(); left > 0; left--) {
      const keyAt = row.pos
      const length = row.varint()
      const nameAt = row.pos
      row.pos += length
      const valueAt = row.pos
      skipString(row)
      if (!isMessagingAttribute(bytes, nameAt, length)) continue
      this.#count++
      this.#keys.append(view, keyAt, valueAt - keyAt)
      this.#values.append(view, valueAt, row.pos - valueAt)
    }
    if (this.#count > 0) this.#keys.append(view, clusterAt, end - clusterAt)
    const repeated = nameEnd - start + this.#keys.length + this.#values.length
    if (links * repeated <= MAX_REPEATED_BYTES) return
    const hadAny = this.#count > 0
    this.#clear()
    this.#isLeftOut = hadAny
  }

  appendTo(shape: ByteList, body: ByteList): void {
    shape.varint(this.#count)
    shape.append(this.#keys.view, 0, this.#keys.length)
    if (this.#isLeftOut) shape.u8(1)
    body.append(this.#values.view, 0, this.#values.length)
  }

  #clear(): void {
    this.#count = 0
    this.#isLeftOut = false
    this.#keys.clear()
    this.#values.clear()
  }
}
