import type { KeyValue } from '@spanlink/api-schema'
import { decodeAttributes } from '../../src/otlp/wire/attributes.ts'
import type { TraceRows } from '../signals/transcode.ts'

/** Rows read back in the order of insert/span-fields.ts, independently of the writer. */
export function readSpans(rows: TraceRows): SpanRow[] {
  return readAll(rows.spans, (cursor) => ({
    received: cursor.u32(),
    traceId: cursor.hex(16),
    spanId: cursor.hex(8),
    parentSpanId: cursor.hex(8),
    start: cursor.u64(),
    duration: cursor.i64(),
    kind: cursor.u8(),
    status: cursor.u8(),
    service: cursor.text(),
    name: cursor.text(),
    sourceId: cursor.hex(8),
    attributes: cursor.attributes(),
    statusMessage: cursor.text(),
    traceState: cursor.text(),
    flags: cursor.u32(),
    droppedAttributes: cursor.u32(),
    droppedEvents: cursor.u32(),
    droppedLinks: cursor.u32(),
    events: cursor.list(() => ({
      time: cursor.u64(),
      name: cursor.text(),
      attributes: cursor.attributes(),
      droppedAttributes: cursor.u32(),
    })),
    links: cursor.list(() => ({
      traceId: cursor.hex(16),
      spanId: cursor.hex(8),
      traceState: cursor.text(),
      flags: cursor.u32(),
      attributes: cursor.attributes(),
      droppedAttributes: cursor.u32(),
    })),
    resourceCluster: cursor.text(),
  }))
}

export function readSources(rows: TraceRows): SourceRow[] {
  return readAll(rows.sources, (cursor) => ({
    sourceId: cursor.hex(8),
    received: cursor.u32(),
    service: cursor.text(),
    resourceAttributes: cursor.attributes(),
    resourceDroppedAttributes: cursor.u32(),
    resourceSchemaUrl: cursor.text(),
    entityRefs: cursor.text(),
    scopeName: cursor.text(),
    scopeVersion: cursor.text(),
    scopeAttributes: cursor.attributes(),
    scopeDroppedAttributes: cursor.u32(),
    scopeSchemaUrl: cursor.text(),
  }))
}

export type SpanRow = {
  readonly received: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly start: bigint
  readonly duration: bigint
  readonly kind: number
  readonly status: number
  readonly service: string
  readonly name: string
  readonly sourceId: string
  readonly attributes: readonly KeyValue[]
  readonly statusMessage: string
  readonly traceState: string
  readonly flags: number
  readonly droppedAttributes: number
  readonly droppedEvents: number
  readonly droppedLinks: number
  readonly events: readonly {
    readonly time: bigint
    readonly name: string
    readonly attributes: readonly KeyValue[]
    readonly droppedAttributes: number
  }[]
  readonly links: readonly {
    readonly traceId: string
    readonly spanId: string
    readonly traceState: string
    readonly flags: number
    readonly attributes: readonly KeyValue[]
    readonly droppedAttributes: number
  }[]
  readonly resourceCluster: string
}

export type SourceRow = {
  readonly sourceId: string
  readonly received: number
  readonly service: string
  readonly resourceAttributes: readonly KeyValue[]
  readonly resourceDroppedAttributes: number
  readonly resourceSchemaUrl: string
  readonly entityRefs: string
  readonly scopeName: string
  readonly scopeVersion: string
  readonly scopeAttributes: readonly KeyValue[]
  readonly scopeDroppedAttributes: number
  readonly scopeSchemaUrl: string
}

function readAll<Row>(bytes: Uint8Array, read: (cursor: Cursor) => Row): Row[] {
  const cursor = new Cursor(bytes)
  const rows: Row[] = []
  while (cursor.left > 0) rows.push(read(cursor))
  return rows
}

class Cursor {
  readonly #bytes: Buffer
  #pos = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes)
  }

  get left(): number {
    return this.#bytes.length - this.#pos
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#step(1))
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#step(4))
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#step(8))
  }

  i64(): bigint {
    return this.#bytes.readBigInt64LE(this.#step(8))
  }

  hex(length: number): string {
    return this.bytes(length).toString('hex')
  }

  text(): string {
    return this.bytes(this.#varint()).toString('utf8')
  }

  list<Item>(read: () => Item): Item[] {
    return Array.from({ length: this.#varint() }, read)
  }

  /** Attributes and type codes, as stored in the tables. */
  attributes(): readonly KeyValue[] {
    const pairs = this.list(() => [this.text(), this.text()] as const)
    return decodeAttributes(pairs, this.text())
  }

  bytes(length: number): Buffer {
    const at = this.#step(length)
    return this.#bytes.subarray(at, at + length)
  }

  #varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }

  #step(length: number): number {
    const at = this.#pos
    if (length > this.left) throw new RangeError(`row ends at ${this.#bytes.length}, field wants ${at + length}`)
    this.#pos += length
    return at
  }
}
