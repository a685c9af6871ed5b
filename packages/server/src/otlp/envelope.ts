import { takeMemory } from '../bytes/row-memory.ts'
import { RowWriter } from './row-writer.ts'
import { ResourceFields, ScopeFields, type Source, Sources, writeSource } from './source.ts'
import { WireReader } from './wire-reader.ts'

const resource = new ResourceFields()
const scope = new ScopeFields()

/**
 * What the requests of the three signals have in common: items under a scope under a resource, with the same numbers
 * (spans, log records and metrics are field 2 of their Scope… message).
 *
 * | Export…ServiceRequest | tag  | | Resource…  | tag  | | Scope…      | tag  |
 * |-----------------------|------|-|------------|------|-|-------------|------|
 * | 1 resource_…          | 0x0a | | 1 resource | 0x0a | | 1 scope     | 0x0a |
 * |                       |      | | 2 scope_…  | 0x12 | | 2 items     | 0x12 |
 * |                       |      | | 3 schema…  | 0x1a | | 3 schema…   | 0x1a |
 */
export type ItemReader = {
  /** Takes the item from the reader's position to `end`; where it leaves the reader doesn't matter. */
  readItem(reader: WireReader, source: Source, end: number): void
}

/**
 * Reads a whole request. A source with items becomes a row of `sources`, once.
 *
 * @returns how many rows that were
 */
export function readEnvelope(reader: WireReader, sources: RowWriter, received: number, items: ItemReader): number {
  const seen = new Sources()
  const end = reader.bytes.length
  while (reader.pos < end) {
    const tag = reader.varint()
    if (tag === 0x0a) readResource(reader, sources, received, items, seen, messageEnd(reader, end))
    else reader.skip(tag, end)
  }
  reader.endMessage(end)
  return seen.ids.size
}

function readResource(
  reader: WireReader,
  sources: RowWriter,
  received: number,
  items: ItemReader,
  seen: Sources,
  end: number,
): void {
  resource.read(reader, end)
  while (reader.pos < end) {
    const tag = reader.varint()
    if (tag === 0x12) readScope(reader, sources, received, items, seen, messageEnd(reader, end))
    else reader.skip(tag, end)
  }
}

function readScope(
  reader: WireReader,
  sources: RowWriter,
  received: number,
  items: ItemReader,
  seen: Sources,
  end: number,
): void {
  if (!scope.read(reader, end)) {
    reader.pos = end
    return
  }
  const source = writeSource(reader, sources, received, resource, scope, seen)
  while (reader.pos < end) {
    const tag = reader.varint()
    if (tag === 0x12) {
      const itemEnd = messageEnd(reader, end)
      items.readItem(reader, source, itemEnd)
      reader.pos = itemEnd
    } else reader.skip(tag, end)
  }
}

function messageEnd(reader: WireReader, end: number): number {
  const length = reader.length(end)
  return reader.pos + length
}

/** What the writers hold, in one piece of row memory; each part is a view of it. They are empty afterwards. */
export function takeRows<const Writers extends readonly RowWriter[]>(
  ...writers: Writers
): { readonly [I in keyof Writers]: Buffer } {
  const all = takeMemory(writers.reduce((sum, writer) => sum + writer.pos, 0))
  let at = 0
  const parts = writers.map((writer) => {
    writer.bytes.copy(all, at, 0, writer.pos)
    const from = at
    at += writer.pos
    writer.reset()
    return all.subarray(from, at)
  })
  return parts as unknown as { readonly [I in keyof Writers]: Buffer }
}
