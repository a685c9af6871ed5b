import { hash } from 'node:crypto'
import { messagingNames } from '../../clickhouse/insert/messaging/semconv.ts'
import { toDataView } from '../../runtime/copy-bytes.ts'
import { AttributeList } from './attribute-list.ts'
import { OtlpError } from '../error.ts'
import { MAX_SOURCE_BYTES, MAX_SOURCES, MAX_SOURCES_BYTES } from '../limits.ts'
import { RowWriter } from '../row-writer.ts'
import { WireReader } from './wire-reader.ts'

/** A resource with its scope, as the rows of its items refer to it. */
export type Source = {
  /** UInt64, little-endian. */
  readonly id: DataView
  /** `service.name` as a String with its length. */
  readonly service: DataView
  /** Id of the Kafka cluster as a String with its length; spans that name none belong to it. */
  readonly cluster: DataView
  /** Why its items are rejected, or ''. */
  readonly rejection: string
}

/** Range of a string in the request. An absent string is empty. */
type SourceRange = { at: number; length: number }

const SERVICE_NAME = 'service.name'

/** Each span repeats the cluster; an id of Kafka has 22 bytes. */
const MAX_CLUSTER_BYTES = 256

/** Fields read before yielding to the event loop. Most are skipped, in 4 ns each. */
const MAX_FIELDS_PER_SLICE = 1_000_000

/**
 * The resource of a ResourceSpans (opentelemetry/proto/trace/v1/trace.proto), read before its spans
 * at any position on the wire. A resource sent in several fields is merged, as protobuf requires.
 *
 * | ResourceSpans | tag  | | Resource              | tag  | | EntityRef            | tag  |
 * |---------------|------|-|-----------------------|------|-|----------------------|------|
 * | 1 resource    | 0x0a | | 1 attributes          | 0x0a | | 1 schema_url         | 0x0a |
 * | 2 scope_spans | 0x12 | | 2 dropped_attributes… | 0x10 | | 2 type               | 0x12 |
 * | 3 schema_url  | 0x1a | | 3 entity_refs         | 0x1a | | 3 id_keys            | 0x1a |
 * |               |      | |                       |      | | 4 description_keys   | 0x22 |
 */
export class ResourceFields {
  readonly name = 'resource'
  readonly #attributes = new AttributeList()
  readonly #schemaUrl: SourceRange = { at: 0, length: 0 }
  readonly #service = new RowWriter(256)
  readonly #cluster = new RowWriter(64)
  #droppedAttributes = 0
  #entityRefs: EntityRef[] = []
  /** On the wire. */
  sizeBytes = 0

  clear(): void {
    this.#attributes.clear()
    this.#schemaUrl.length = 0
    this.#droppedAttributes = 0
    this.#entityRefs = []
    this.sizeBytes = 0
  }

  /** Reads on, and returns whether that was all. */
  read(reader: WireReader, end: number): boolean {
    for (let fields = 0; reader.pos < end; fields++) {
      if (fields === MAX_FIELDS_PER_SLICE) return false
      const tag = reader.varint()
      if (tag === 0x0a) this.#readResource(reader, readBoundedEnd(reader, end))
      else if (tag === 0x1a) readRange(reader, end, this.#schemaUrl)
      else reader.skip(tag, end)
    }
    reader.endMessage(end)
    this.sizeBytes += this.#schemaUrl.length
    this.#service.reset()
    if (!this.#attributes.writeValue(SERVICE_NAME, this.#service)) this.#service.u8(0)
    this.#readCluster()
    return true
  }

  get service(): DataView {
    return new DataView(this.#service.view.buffer, 0, this.#service.pos)
  }

  get cluster(): DataView {
    return new DataView(this.#cluster.view.buffer, 0, this.#cluster.pos)
  }

  write(reader: WireReader, writer: RowWriter): void {
    writer.copy(this.#service.view, 0, this.#service.pos)
    this.#attributes.write(writer)
    writer.u32(this.#droppedAttributes)
    writer.string(reader.view, this.#schemaUrl.at, this.#schemaUrl.length)
    writer.text(this.#entityRefs.length === 0 ? '' : JSON.stringify(this.#entityRefs))
  }

  /** Once per resource: its spans copy the value. */
  #readCluster(): void {
    for (const name of messagingNames.cluster) {
      this.#cluster.reset()
      const isSet = this.#attributes.writeValue(name, this.#cluster) && this.#cluster.bytes[0] !== 0
      if (isSet && this.#cluster.pos <= MAX_CLUSTER_BYTES) return
    }
    this.#cluster.reset()
    this.#cluster.u8(0)
  }

  #readResource(reader: WireReader, end: number): void {
    this.sizeBytes += end - reader.pos
    while (reader.pos < end) {
      const tag = reader.varint()
      if (tag === 0x0a) this.#attributes.read(reader, reader.readEnd(end))
      else if (tag === 0x10) this.#droppedAttributes = reader.varint()
      else if (tag === 0x1a) this.#entityRefs.push(readEntityRef(reader, reader.readEnd(end)))
      else reader.skip(tag, end)
    }
    reader.endMessage(end)
  }
}

/**
 * The scope of a ScopeSpans, read like the resource, and whether it has items.
 *
 * | ScopeSpans   | tag  | | InstrumentationScope        | tag  |
 * |--------------|------|-|-----------------------------|------|
 * | 1 scope      | 0x0a | | 1 name                      | 0x0a |
 * | 2 spans      | 0x12 | | 2 version                   | 0x12 |
 * | 3 schema_url | 0x1a | | 3 attributes                | 0x1a |
 * |              |      | | 4 dropped_attributes_count  | 0x20 |
 */
export class ScopeFields {
  readonly name = 'scope'
  hasItems = false
  readonly #name: SourceRange = { at: 0, length: 0 }
  readonly #version: SourceRange = { at: 0, length: 0 }
  readonly #attributes = new AttributeList()
  readonly #schemaUrl: SourceRange = { at: 0, length: 0 }
  #droppedAttributes = 0
  /** On the wire. */
  sizeBytes = 0

  clear(): void {
    this.hasItems = false
    this.#name.length = 0
    this.#version.length = 0
    this.#attributes.clear()
    this.#schemaUrl.length = 0
    this.#droppedAttributes = 0
    this.sizeBytes = 0
  }

  /** Reads on, and returns whether that was all. */
  read(reader: WireReader, end: number): boolean {
    for (let fields = 0; reader.pos < end; fields++) {
      if (fields === MAX_FIELDS_PER_SLICE) return false
      const tag = reader.varint()
      if (tag === 0x0a) this.#readScope(reader, readBoundedEnd(reader, end))
      else if (tag === 0x1a) readRange(reader, end, this.#schemaUrl)
      else {
        this.hasItems ||= tag === 0x12
        reader.skip(tag, end)
      }
    }
    reader.endMessage(end)
    this.sizeBytes += this.#schemaUrl.length
    return true
  }

  write(reader: WireReader, writer: RowWriter): void {
    writer.string(reader.view, this.#name.at, this.#name.length)
    writer.string(reader.view, this.#version.at, this.#version.length)
    this.#attributes.write(writer)
    writer.u32(this.#droppedAttributes)
    writer.string(reader.view, this.#schemaUrl.at, this.#schemaUrl.length)
  }

  #readScope(reader: WireReader, end: number): void {
    this.sizeBytes += end - reader.pos
    while (reader.pos < end) {
      const tag = reader.varint()
      if (tag === 0x0a) readRange(reader, end, this.#name)
      else if (tag === 0x12) readRange(reader, end, this.#version)
      else if (tag === 0x1a) this.#attributes.read(reader, reader.readEnd(end))
      else if (tag === 0x20) this.#droppedAttributes = reader.varint()
      else reader.skip(tag, end)
    }
    reader.endMessage(end)
  }
}

/** The sources of a request. */
export class Sources {
  /** Ids, each as a string of eight latin1 characters. */
  readonly ids = new Set<string>()
  /** Size of all sources, including repeated ones: each scope repeats its resource. */
  bytes = 0
}

/**
 * Appends the `sources` row (schema/sources.sql), unless `seen` has it already. The id is a digest
 * of all columns after `received`, so one resource and scope has the same id in every request,
 * process and encoding. The reader's position does not change.
 */
export function writeSource(
  reader: WireReader,
  writer: RowWriter,
  received: number,
  resource: ResourceFields,
  scope: ScopeFields,
  seen: Sources,
): Source {
  const bytes = resource.sizeBytes + scope.sizeBytes
  seen.bytes += bytes
  if (bytes > MAX_SOURCE_BYTES || seen.bytes > MAX_SOURCES_BYTES)
    return createRejectedSource(explainSourceRejection(bytes))
  const start = reader.pos
  const row = writer.pos
  writer.zeros(8)
  writer.u32(received)
  const content = writer.pos
  resource.write(reader, writer)
  scope.write(reader, writer)
  reader.pos = start
  const id = hash('sha256', writer.bytes.subarray(content, writer.pos), 'buffer').subarray(0, 8)
  const known = id.toString('latin1')
  if (seen.ids.has(known)) writer.pos = row
  else if (seen.ids.size < MAX_SOURCES) {
    seen.ids.add(known)
    writer.rows++
    writer.bytes.set(id, row)
  } else {
    writer.pos = row
    return createRejectedSource(`a request has at most ${MAX_SOURCES} resources with a scope`)
  }
  return { id: toDataView(id), service: resource.service, cluster: resource.cluster, rejection: '' }
}

/** Creates the source of items that are rejected because of their resource or scope. */
export function createRejectedSource(rejection: string): Source {
  return { ...NO_SOURCE, rejection }
}

const EMPTY = new DataView(new ArrayBuffer(1))
const NO_SOURCE = { id: new DataView(new ArrayBuffer(8)), service: EMPTY, cluster: EMPTY }

function explainSourceRejection(bytes: number): string {
  return bytes > MAX_SOURCE_BYTES
    ? `its resource and scope have ${bytes} bytes, more than ${MAX_SOURCE_BYTES}`
    : `resources and scopes of the request have more than ${MAX_SOURCES_BYTES} bytes`
}

type EntityRef = {
  readonly schemaUrl: string | undefined
  readonly type: string | undefined
  readonly idKeys: string[] | undefined
  readonly descriptionKeys: string[] | undefined
}

function readEntityRef(reader: WireReader, end: number): EntityRef {
  let schemaUrl: string | undefined
  let type: string | undefined
  let idKeys: string[] | undefined
  let descriptionKeys: string[] | undefined
  while (reader.pos < end) {
    const tag = reader.varint()
    if (tag === 0x0a) schemaUrl = readText(reader, end)
    else if (tag === 0x12) type = readText(reader, end)
    else if (tag === 0x1a) (idKeys ??= []).push(readText(reader, end))
    else if (tag === 0x22) (descriptionKeys ??= []).push(readText(reader, end))
    else reader.skip(tag, end)
  }
  reader.endMessage(end)
  // Fixed key order, independent of the wire: the text is part of the source's id. JSON omits
  // undefined values.
  return { schemaUrl, type, idKeys, descriptionKeys }
}

function readText(reader: WireReader, end: number): string {
  const textEnd = reader.readEnd(end)
  const text = reader.bytes.toString('utf8', reader.pos, textEnd)
  reader.pos = textEnd
  return text
}

function readRange(reader: WireReader, end: number, range: SourceRange): void {
  range.length = reader.length(end)
  range.at = reader.pos
  reader.pos += range.length
}

/** Like `readEnd`, for a message that is stored whole. */
function readBoundedEnd(reader: WireReader, outerEnd: number): number {
  const end = reader.readEnd(outerEnd)
  const bytes = end - reader.pos
  if (bytes > MAX_SOURCE_BYTES) throw new OtlpError('over-limit', `${bytes} bytes, more than ${MAX_SOURCE_BYTES}`)
  return end
}
