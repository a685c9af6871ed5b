import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { LinkingAttributes, type LinkingSpan } from './linking-attributes.ts'
import { ByteList } from './native/byte-list.ts'
import { type Column, createValuesColumn } from './native/column.ts'
import { RowCursor, skipString } from './native/row-cursor.ts'
import { StoreError } from '../store-error.ts'
import { IDS_BYTES, SPAN_OFFSETS } from './rollups/span-offsets.ts'

/** First byte of every `shape`. Readers report rows of another version. */
export const PAYLOAD_VERSION = 2

/** Times of a span's events in its `head`: more cannot be told apart in a waterfall. */
const MAX_EVENT_TIMES = 500

/** Numbers in the enum of `type`. */
const SPAN = 1
const BACKLINK = 2

const SECONDS_PER_DAY = 86_400

/** Offsets in a row of span-fields.ts, and lengths. */
const TRACE_ID = SPAN_OFFSETS.ids
const PARENT_SPAN_ID = TRACE_ID + IDS_BYTES
const SERVICE = SPAN_OFFSETS.status + 1
const TIMES_BYTES = 16
const SOURCE_ID_BYTES = 8

/** Adding this much takes about 2 ms; then other events, such as acks, run. */
const YIELD_BYTES = 1024 * 1024

/**
 * Each backlink repeats names and attributes of its span, so that fetch rows may be a hundred times
 * as large as the rows that they are made of. ClickHouse needs several times this memory. A span
 * alone is smaller (`MAX_BACKLINK_BYTES`, and that of linking attributes).
 */
const MAX_BLOCK_BYTES = 40 * 1024 * 1024

/** Flags and three counts of dropped items. */
const COUNTS_BYTES = 16

/**
 * Converts rows of `spans` to rows of `trace_rows`: each span, and a backlink for each of its
 * links. What spans of an operation share is in `shape`; the rest is copied from the row.
 */
export class TraceRows {
  readonly #received = new ByteList()
  readonly #traceIds = new ByteList()
  readonly #types = new ByteList()
  readonly #spanIds = new ByteList()
  readonly #shapes = new ByteList()
  readonly #heads = new ByteList()
  readonly #bodies = new ByteList()
  readonly #row = new RowCursor()
  /** Parts of the current row. */
  readonly #shape = new ByteList()
  readonly #head = new ByteList()
  readonly #body = new ByteList()
  readonly #linkingAttributes = new LinkingAttributes()
  readonly #columns: readonly (readonly [name: string, type: string, column: Pick<Column, 'data' | 'clear'>])[] = [
    ['received', 'DateTime', createValuesColumn(this.#received)],
    ['trace_id', 'FixedString(16)', createValuesColumn(this.#traceIds)],
    ['type', "Enum8('span' = 1, 'backlink' = 2)", createValuesColumn(this.#types)],
    ['span_id', 'FixedString(8)', createValuesColumn(this.#spanIds)],
    ['shape', 'String', createValuesColumn(this.#shapes)],
    ['head', 'String', createValuesColumn(this.#heads)],
    ['body', 'String', createValuesColumn(this.#bodies)],
  ]

  clear(): void {
    for (const [, , column] of this.#columns) column.clear()
  }

  /**
   * The bytes of one Native block, because the token of an insert covers a block; valid until
   * `clear`.
   *
   * @param chunks each of whole rows of `spans`
   * @throws RangeError when one ends within a row; StoreError 'bad-rows' above `MAX_BLOCK_BYTES`
   */
  async toBlock(chunks: readonly Uint8Array[]): Promise<Buffer[]> {
    this.clear()
    const row = this.#row
    let left = YIELD_BYTES
    for (const chunk of chunks) {
      row.reset(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
      while (row.pos < chunk.length) {
        const start = row.pos
        const isFirst = this.#types.length === 0
        this.#addRow(row, start)
        if (!isFirst && this.#bytes > MAX_BLOCK_BYTES) {
          // Proves to the inserter that nothing is stored, so that it splits the rows.
          throw new StoreError('bad-rows', `The fetch rows of an insert are more than ${MAX_BLOCK_BYTES} bytes.`)
        }
        left -= row.pos - start
        if (left > 0) continue
        await yieldToEventLoop()
        left = YIELD_BYTES
      }
    }
    return this.#block()
  }

  /** Adds the row from `start`, and leaves the cursor at its end. */
  #addRow(row: RowCursor, start: number): void {
    const { view } = row
    row.pos = start + SERVICE
    skipString(row)
    skipString(row)
    const nameEnd = row.pos
    row.pos += SOURCE_ID_BYTES
    const shape = this.#shape
    const head = this.#head
    const body = this.#body
    head.clear()
    head.append(view, start + PARENT_SPAN_ID, 8 + TIMES_BYTES)
    body.clear()
    this.#startShape(row, start, nameEnd)
    shape.append(view, nameEnd, SOURCE_ID_BYTES)
    const attributesAt = row.pos
    this.#splitAttributes(row)
    const restAt = row.pos
    skipString(row)
    skipString(row)
    row.pos += COUNTS_BYTES
    const events = row.varint()
    head.varint(Math.min(events, MAX_EVENT_TIMES))
    for (let event = 0; event < events; event++) {
      if (event < MAX_EVENT_TIMES) head.append(view, row.pos, 8)
      skipEvent(row)
    }
    const links = row.varint()
    head.u32(links)
    const linksAt = row.pos
    for (let left = links; left > 0; left--) skipLink(row)
    body.append(view, restAt, row.pos - restAt)
    const clusterAt = row.pos
    skipString(row)
    row.checkBounds()
    shape.append(view, clusterAt, row.pos - clusterAt)
    const end = row.pos

    this.#addKey(view, start, SPAN, start + TRACE_ID)
    this.#addPayload()
    if (links > 0) this.#addBacklinks(row, linksAt, { start, nameEnd, attributesAt, links, clusterAt, end })
    row.pos = end
  }

  get #bytes(): number {
    return this.#shapes.length + this.#heads.length + this.#bodies.length
  }

  #block(): Buffer[] {
    return this.#columns.flatMap(([name, type, column], index) => {
      const prefix = new ByteList()
      if (index === 0) {
        prefix.varint(this.#columns.length)
        prefix.varint(this.#types.length)
      }
      prefix.text(name)
      prefix.text(type)
      return [prefix.contents(), ...column.data()]
    })
  }

  /** Begins with the version, kind, status, service and name of the span. */
  #startShape({ view }: RowCursor, start: number, nameEnd: number): void {
    this.#shape.clear()
    this.#shape.u8(PAYLOAD_VERSION)
    this.#shape.append(view, start + SPAN_OFFSETS.kind, nameEnd - start - SPAN_OFFSETS.kind)
  }

  /** Adds keys and types to the shape, values to the body. */
  #splitAttributes(row: RowCursor): void {
    const { view } = row
    const count = row.varint()
    this.#shape.varint(count)
    for (let left = count; left > 0; left--) {
      const keyAt = row.pos
      skipString(row)
      const valueAt = row.pos
      skipString(row)
      row.checkBounds()
      this.#shape.append(view, keyAt, valueAt - keyAt)
      this.#body.append(view, valueAt, row.pos - valueAt)
    }
    const typesAt = row.pos
    skipString(row)
    row.checkBounds()
    this.#shape.append(view, typesAt, row.pos - typesAt)
  }

  /** @param traceIdAt position of the trace id, which the span id follows */
  #addKey(view: DataView, start: number, type: number, traceIdAt: number): void {
    const received = view.getUint32(start + SPAN_OFFSETS.received, true)
    // The partition needs only the day, which compresses to nothing.
    this.#received.u32(received - (received % SECONDS_PER_DAY))
    this.#traceIds.append(view, traceIdAt, 16)
    this.#types.u8(type)
    this.#spanIds.append(view, traceIdAt + 16, 8)
  }

  #addPayload(): void {
    this.#shapes.string(this.#shape)
    this.#heads.string(this.#head)
    this.#bodies.string(this.#body)
  }

  #addBacklinks(row: RowCursor, linksAt: number, span: LinkingSpan): void {
    this.#linkingAttributes.read(row, span)
    row.pos = linksAt
    for (let ordinal = 0; ordinal < span.links; ordinal++) this.#addBacklink(row, span, ordinal)
  }

  /** Adds a row under the trace of the target of the link at `row.pos`, unless it names none. */
  #addBacklink(row: RowCursor, { start, nameEnd }: LinkingSpan, ordinal: number): void {
    const { view } = row
    const head = this.#head
    const idsAt = row.pos
    row.pos += IDS_BYTES
    this.#startShape(row, start, nameEnd)
    this.#body.clear()
    const stateAt = row.pos
    skipString(row)
    row.pos += 4
    this.#body.append(view, stateAt, row.pos - stateAt)
    this.#splitAttributes(row)
    this.#body.append(view, row.pos, 4)
    row.pos += 4
    if (isZero(view, idsAt)) return
    this.#linkingAttributes.appendTo(this.#shape, this.#body)
    this.#addKey(view, start, BACKLINK, idsAt)
    head.clear()
    head.append(view, start + TRACE_ID, IDS_BYTES)
    head.append(view, start + SPAN_OFFSETS.start, TIMES_BYTES)
    head.u32(ordinal)
    this.#addPayload()
  }
}

function skipAttributes(row: RowCursor): void {
  for (let strings = 2 * row.varint(); strings > 0; strings--) {
    skipString(row)
    row.checkBounds()
  }
  skipString(row)
}

function skipEvent(row: RowCursor): void {
  row.pos += 8
  skipString(row)
  skipAttributes(row)
  row.pos += 4
  row.checkBounds()
}

function skipLink(row: RowCursor): void {
  row.pos += IDS_BYTES
  skipString(row)
  row.pos += 4
  skipAttributes(row)
  row.pos += 4
  row.checkBounds()
}

function isZero(view: DataView, traceIdAt: number): boolean {
  for (let at = traceIdAt; at < traceIdAt + 16; at += 4) if (view.getUint32(at, true) !== 0) return false
  return true
}
