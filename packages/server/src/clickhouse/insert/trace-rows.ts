import { ByteList } from './native/byte-list.ts'
import { RowCursor } from './native/row-cursor.ts'
import { SPAN_OFFSETS } from './rollups/span-offsets.ts'

/** First byte of every `head`. Readers report rows of another version. */
export const PAYLOAD_VERSION = 1

/** Times of a span's events in its `head`: more cannot be told apart in a waterfall. */
export const MAX_EVENT_TIMES = 500

const SPAN = 1
const BACKLINK = 2

const SECONDS_PER_DAY = 86_400

/** Offsets of the ids in a row of `spans`, and bytes of the two. */
const TRACE_ID = SPAN_OFFSETS.ids
const SPAN_ID = TRACE_ID + 16
const PARENT_SPAN_ID = SPAN_ID + 8
const SERVICE = SPAN_OFFSETS.status + 1
const IDS_BYTES = 24

/** Positions of columns of variable width in a row of `spans`. */
export type SpanPositions = { readonly events: number; readonly links: number }

/**
 * Collects the rows of `trace_rows` while spans are converted: each span, and a backlink for each
 * of its links. Payloads are the bytes of the row, so nothing in them is converted. One Native
 * block, because the token of an insert covers a block.
 */
export class TraceRows {
  readonly #received = new ByteList()
  readonly #traceIds = new ByteList()
  readonly #types = new ByteList()
  readonly #spanIds = new ByteList()
  readonly #heads = new ByteList()
  readonly #bodies = new ByteList()
  readonly #headEnd = new ByteList()
  readonly #cursor = new RowCursor()

  clear(): void {
    for (const list of this.#lists()) list.clear()
  }

  /** Adds the row from `start` to the cursor, which all columns have read. */
  add({ bytes, view, pos: end }: RowCursor, start: number, at: SpanPositions): void {
    const link = this.#cursor
    link.bytes = bytes
    link.view = view
    link.pos = at.links
    const links = link.varint()
    const linksAt = link.pos
    link.pos = start + SERVICE
    skipString(link)
    skipString(link)
    const nameEnd = link.pos
    const attributesAt = nameEnd + 8
    this.#addKey(view, start, SPAN, start + TRACE_ID, start + SPAN_ID)
    const headEnd = this.#headEnd
    headEnd.clear()
    this.#addEventTimes(headEnd, at.events)
    headEnd.u32(links)
    const headBytes = attributesAt - start - PARENT_SPAN_ID
    this.#heads.varint(1 + headBytes + headEnd.length)
    this.#heads.u8(PAYLOAD_VERSION)
    this.#heads.append(view, start + PARENT_SPAN_ID, headBytes)
    this.#heads.append(headEnd.view, 0, headEnd.length)
    this.#bodies.varint(end - attributesAt)
    this.#bodies.append(view, attributesAt, end - attributesAt)
    if (links > 0) this.#addBacklinks(start, nameEnd, links, linksAt)
  }

  /** The block's bytes, valid until `clear`. */
  toBlock(): Buffer[] {
    const rows = this.#types.length
    return COLUMNS.flatMap(([name, type], index) => {
      const prefix = new ByteList()
      if (index === 0) {
        prefix.varint(COLUMNS.length)
        prefix.varint(rows)
      }
      prefix.text(name)
      prefix.text(type)
      return [prefix.contents(), (this.#lists()[index] as ByteList).contents()]
    })
  }

  #lists(): ByteList[] {
    return [this.#received, this.#traceIds, this.#types, this.#spanIds, this.#heads, this.#bodies]
  }

  #addKey(view: DataView, start: number, type: number, traceIdAt: number, spanIdAt: number): void {
    const received = view.getUint32(start + SPAN_OFFSETS.received, true)
    // The partition needs only the day, which compresses to nothing.
    this.#received.u32(received - (received % SECONDS_PER_DAY))
    this.#traceIds.append(view, traceIdAt, 16)
    this.#types.u8(type)
    this.#spanIds.append(view, spanIdAt, 8)
  }

  #addEventTimes(times: ByteList, eventsAt: number): void {
    const event = this.#cursor
    event.pos = eventsAt
    const count = Math.min(event.varint(), MAX_EVENT_TIMES)
    times.varint(count)
    for (let left = count; left > 0; left--) {
      times.append(event.view, event.pos, 8)
      event.pos += 8
      skipString(event)
      skipAttributes(event)
    }
  }

  /** Adds a row under the trace of each link's target, unless the link names none. */
  #addBacklinks(start: number, nameEnd: number, links: number, linksAt: number): void {
    const link = this.#cursor
    const { view } = link
    const spanBytes = nameEnd - start - SPAN_OFFSETS.start
    link.pos = linksAt
    for (let ordinal = 0; ordinal < links; ordinal++) {
      const idsAt = link.pos
      const bodyAt = idsAt + IDS_BYTES
      link.pos = bodyAt
      skipString(link)
      link.pos += 4
      skipAttributes(link)
      if (isZero(view, idsAt)) continue
      this.#addKey(view, start, BACKLINK, idsAt, idsAt + 16)
      this.#heads.varint(1 + IDS_BYTES + 4 + spanBytes)
      this.#heads.u8(PAYLOAD_VERSION)
      this.#heads.append(view, start + TRACE_ID, IDS_BYTES)
      this.#heads.u32(ordinal)
      this.#heads.append(view, start + SPAN_OFFSETS.start, spanBytes)
      this.#bodies.varint(link.pos - bodyAt)
      this.#bodies.append(view, bodyAt, link.pos - bodyAt)
    }
  }
}

/** Columns of schema/trace_rows.sql. */
const COLUMNS = [
  ['received', 'DateTime'],
  ['trace_id', 'FixedString(16)'],
  ['type', "Enum8('span' = 1, 'backlink' = 2)"],
  ['span_id', 'FixedString(8)'],
  ['head', 'String'],
  ['body', 'String'],
] as const

function skipString(cursor: RowCursor): void {
  const length = cursor.varint()
  cursor.pos += length
}

/** Skips a map, its types and the number of those dropped. */
function skipAttributes(cursor: RowCursor): void {
  for (let strings = 2 * cursor.varint(); strings > 0; strings--) skipString(cursor)
  skipString(cursor)
  cursor.pos += 4
}

function isZero(view: DataView, traceIdAt: number): boolean {
  for (let at = traceIdAt; at < traceIdAt + 16; at += 4) if (view.getUint32(at, true) !== 0) return false
  return true
}
