import { acquireBuffer } from '../../runtime/buffer-pool.ts'
import { RowWriter } from '../row-writer.ts'
import { explainRejection } from '../rejections.ts'
import { ResourceFields, ScopeFields, type Source, Sources, createRejectedSource, writeSource } from './source.ts'
import { SLICE_BYTES, type Steps } from '../steps.ts'
import { WireReader } from './wire-reader.ts'

/** Buffers and state for reading a request. */
export class EnvelopeState {
  readonly sources = new RowWriter(64 * 1024)
  readonly resource = new ResourceFields()
  readonly scope = new ScopeFields()
  seen = new Sources()

  reset(): void {
    this.sources.reset()
    this.seen = new Sources()
  }
}

/**
 * The structure shared by the requests of the three signals: items in a scope in a resource, with
 * the same field numbers (spans, log records and metrics are field 2 of their Scope… message).
 *
 * | Export…ServiceRequest | tag  | | Resource…  | tag  | | Scope…      | tag  |
 * |-----------------------|------|-|------------|------|-|-------------|------|
 * | 1 resource_…          | 0x0a | | 1 resource | 0x0a | | 1 scope     | 0x0a |
 * |                       |      | | 2 scope_…  | 0x12 | | 2 items     | 0x12 |
 * |                       |      | | 3 schema…  | 0x1a | | 3 schema…   | 0x1a |
 */
export type ItemReader = {
  /** Returns the bytes of rows written so far. */
  rowBytes(): number
  /**
   * Reads the item from the reader's position to `end`. It may leave the reader at any position. If
   * it returns steps, they are the rest of the work.
   */
  readItem(reader: WireReader, source: Source, end: number): Steps<void> | undefined
}

/** Extra cost of a message in bytes of the slice budget: small messages are slower per byte. */
const ITEM_COST = 32
const PARENT_COST = 256

/**
 * Reads a complete request. A source with items becomes one row of `state.sources`.
 *
 * @returns the number of distinct sources
 */
export function* readEnvelope(
  reader: WireReader,
  state: EnvelopeState,
  received: number,
  items: ItemReader,
): Steps<number> {
  const { sources, resource, scope, seen } = state
  const end = reader.bytes.length
  let stop = SLICE_BYTES
  while (reader.pos < end) {
    const tag = reader.varint()
    if (tag !== 0x0a) {
      reader.skip(tag, end)
      continue
    }
    const resourceEnd = readMessageEnd(reader, end)
    const resourceReason = yield* readFields(reader, resource, resourceEnd, items)
    stop -= PARENT_COST
    while (reader.pos < resourceEnd) {
      const resourceTag = reader.varint()
      if (resourceTag !== 0x12) {
        reader.skip(resourceTag, resourceEnd)
        continue
      }
      const scopeEnd = readMessageEnd(reader, resourceEnd)
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
          const itemEnd = readMessageEnd(reader, scopeEnd)
          const rest = items.readItem(reader, source, itemEnd)
          if (rest !== undefined) yield* rest
          reader.pos = itemEnd
          stop -= ITEM_COST
        } else reader.skip(scopeTag, scopeEnd)
        if (reader.pos < stop) continue
        yield items.rowBytes() + sources.pos
        stop = reader.pos + SLICE_BYTES
      }
      if (reader.pos < stop) continue
      yield items.rowBytes() + sources.pos
      stop = reader.pos + SLICE_BYTES
    }
    if (reader.pos < stop) continue
    yield items.rowBytes() + sources.pos
    stop = reader.pos + SLICE_BYTES
  }
  reader.endMessage(end)
  return seen.ids.size
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
    while (!fields.read(reader, end)) yield items.rowBytes()
  } catch (error) {
    reason = `${fields.name}: ${explainRejection(error)}`
    // Reading stopped early, so items may exist that were not counted.
    if (fields instanceof ScopeFields) fields.hasItems = true
  }
  reader.pos = start
  return reason
}

function readMessageEnd(reader: WireReader, end: number): number {
  const length = reader.length(end)
  return reader.pos + length
}

/** Bytes copied before yielding to the event loop. */
const COPY_SLICE_BYTES = 16 * 1024 * 1024

/** Copies the writers' bytes into one pooled buffer and returns a view for each writer. */
export function* copyRows<const Writers extends readonly RowWriter[]>(
  ...writers: Writers
): Steps<{ readonly [I in keyof Writers]: Buffer }> {
  const total = writers.reduce((sum, writer) => sum + writer.pos, 0)
  const all = acquireBuffer(total)
  const parts: Buffer[] = []
  let at = 0
  for (const { bytes, pos } of writers) {
    parts.push(all.subarray(at, at + pos))
    for (let from = 0; from < pos; from += COPY_SLICE_BYTES) {
      const to = Math.min(pos, from + COPY_SLICE_BYTES)
      bytes.copy(all, at + from, from, to)
      if (to < pos) yield 2 * total
    }
    at += pos
  }
  return parts as unknown as { readonly [I in keyof Writers]: Buffer }
}
