import type { RowTable } from '../../clickhouse/tables.ts'
import { acquireBuffer } from '../../runtime/buffer-pool.ts'
import type { Redactor } from '../redact/redactor.ts'
import { RowWriter } from '../row-writer.ts'
import type { RowBatch, SignalRows } from '../rows.ts'
import { explainRejection, Rejections } from '../rejections.ts'
import { ResourceFields, ScopeFields, type Source, Sources, createRejectedSource, writeSource } from './source.ts'
import { SLICE_BYTES, type Steps } from '../steps.ts'
import { WireReader } from './wire-reader.ts'

/**
 * Reads the items of one signal and writes their rows. One instance is reused by later requests,
 * because newly allocated large memory is slow.
 */
export abstract class ItemReader {
  readonly tables: { readonly table: RowTable; readonly writer: RowWriter }[] = []
  readonly sources = this.addTable('sources', 64 * 1024)
  readonly resource = new ResourceFields()
  readonly scope = new ScopeFields()
  seen = new Sources()
  /** Value of the column `received` of every row. */
  received = 0
  rejections!: Rejections

  /** The last table has a row for each item. */
  addTable(table: RowTable, startBytes?: number): RowWriter {
    const writer = new RowWriter(startBytes)
    this.tables.push({ table, writer })
    return writer
  }

  /** Returns the bytes of rows written so far. */
  sumBytes(): number {
    return this.tables.reduce((sum, { writer }) => sum + writer.pos, 0)
  }

  reset(): void {
    for (const { writer } of this.tables) writer.reset()
    this.seen = new Sources()
  }

  /**
   * Reads the item from the reader's position to `end`. It may leave the reader at any position. If
   * it returns steps, they are the rest of the work.
   */
  abstract readItem(reader: WireReader, source: Source, end: number): Steps<void> | undefined
}

/**
 * Converts a request body to rows. Items that are invalid or beyond the limits are counted and
 * rejected individually; any other error rejects the request.
 *
 * @param receivedUnixSeconds value of the column `received` of every row
 * @param redactor @default rows have everything that was sent
 * @throws OtlpError when the bytes are no such request, or its rows become too large
 */
export type Transcode = (
  body: Uint8Array,
  receivedUnixSeconds: number,
  redactor?: Redactor,
  rejections?: Rejections,
) => Steps<SignalRows>

/**
 * Creates the decoder of an Export…ServiceRequest (or TracesData, LogsData, MetricsData, which have
 * the same bytes).
 *
 * @param item the name of an item, such as 'span'
 */
export function createTranscoder(item: string, createReader: () => ItemReader): Transcode {
  let idle: ItemReader | undefined
  return function* transcode(body, receivedUnixSeconds, redactor, rejections = new Rejections(item)) {
    const items = idle ?? createReader()
    idle = undefined
    items.received = receivedUnixSeconds
    items.rejections = rejections
    try {
      yield* readEnvelope(new WireReader(body, redactor), items)
      const accepted = items.tables.at(-1)?.writer.rows ?? 0
      const batches = yield* copyRows(items)
      return { receivedUnixSeconds, batches, accepted, rejected: rejections.count, rejectReason: rejections.describe() }
    } finally {
      items.reset()
      idle = items
    }
  }
}

/** Extra cost of a message in bytes of the slice budget: small messages are slower per byte. */
const ITEM_COST = 32
const PARENT_COST = 256

/**
 * Reads a complete request: the structure shared by the three signals is items in a scope in a
 * resource, with the same field numbers (spans, log records and metrics are field 2 of their Scope…
 * message). A source with items becomes one row of `items.sources`.
 *
 * | Export…ServiceRequest | tag  | | Resource…  | tag  | | Scope…      | tag  |
 * |-----------------------|------|-|------------|------|-|-------------|------|
 * | 1 resource_…          | 0x0a | | 1 resource | 0x0a | | 1 scope     | 0x0a |
 * |                       |      | | 2 scope_…  | 0x12 | | 2 items     | 0x12 |
 * |                       |      | | 3 schema…  | 0x1a | | 3 schema…   | 0x1a |
 */
function* readEnvelope(reader: WireReader, items: ItemReader): Steps<void> {
  const { sources, resource, scope, seen, received } = items
  const end = reader.bytes.length
  let stop = SLICE_BYTES
  while (reader.pos < end) {
    const tag = reader.varint()
    if (tag !== 0x0a) {
      reader.skip(tag, end)
      continue
    }
    const resourceEnd = reader.readEnd(end)
    const resourceReason = yield* readFields(reader, resource, resourceEnd, items)
    stop -= PARENT_COST
    while (reader.pos < resourceEnd) {
      const resourceTag = reader.varint()
      if (resourceTag !== 0x12) {
        reader.skip(resourceTag, resourceEnd)
        continue
      }
      const scopeEnd = reader.readEnd(resourceEnd)
      const reason = (yield* readFields(reader, scope, scopeEnd, items)) || resourceReason
      stop -= PARENT_COST
      if (!scope.hasItems) {
        reader.pos = scopeEnd
        continue
      }
      const source =
        reason === '' ? writeSource(reader, sources, received, resource, scope, seen) : createRejectedSource(reason)
      while (reader.pos < scopeEnd) {
        const scopeTag = reader.varint()
        if (scopeTag === 0x12) {
          const itemEnd = reader.readEnd(scopeEnd)
          const rest = items.readItem(reader, source, itemEnd)
          if (rest !== undefined) yield* rest
          reader.pos = itemEnd
          stop -= ITEM_COST
        } else reader.skip(scopeTag, scopeEnd)
        if (reader.pos < stop) continue
        yield items.sumBytes()
        stop = reader.pos + SLICE_BYTES
      }
      if (reader.pos < stop) continue
      yield items.sumBytes()
      stop = reader.pos + SLICE_BYTES
    }
    if (reader.pos < stop) continue
    yield items.sumBytes()
    stop = reader.pos + SLICE_BYTES
  }
  reader.endMessage(end)
}

/**
 * Reads a resource or scope at any position among the fields. Returns why it can't be stored, or
 * ''.
 */
function* readFields(
  reader: WireReader,
  fields: ResourceFields | ScopeFields,
  end: number,
  items: ItemReader,
): Steps<string> {
  const start = reader.pos
  fields.clear()
  let reason = ''
  try {
    while (!fields.read(reader, end)) yield items.sumBytes()
  } catch (error) {
    reason = `${fields.name}: ${explainRejection(error)}`
    // Reading stopped early, so items may exist that were not counted.
    if (fields instanceof ScopeFields) fields.hasItems = true
  }
  reader.pos = start
  return reason
}

/** Bytes copied before yielding to the event loop. */
const COPY_SLICE_BYTES = 16 * 1024 * 1024

/** Copies the rows of all tables into one pooled buffer. */
function* copyRows(items: ItemReader): Steps<RowBatch[]> {
  const total = items.sumBytes()
  const all = acquireBuffer(total)
  const batches: RowBatch[] = []
  let at = 0
  for (const { table, writer } of items.tables) {
    const { bytes, pos, rows } = writer
    if (rows > 0) batches.push({ table, rows, bytes: all.subarray(at, at + pos) })
    for (let from = 0; from < pos; from += COPY_SLICE_BYTES) {
      const to = Math.min(pos, from + COPY_SLICE_BYTES)
      bytes.copy(all, at + from, from, to)
      if (to < pos) yield 2 * total
    }
    at += pos
  }
  return batches
}
