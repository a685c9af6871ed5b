import { OtlpError } from '../error.ts'
import { beginMessage, endMessage, LONG, SHORT } from '../json/fields.ts'
import { Members, skipUnknown, createFieldError } from '../json/message.ts'
import { BYTE, type JsonReader } from '../json/reader.ts'
import type { Redactor } from '../redact/redactor.ts'
import { REDACTED } from '../redact/value-pattern.ts'
import type { RowWriter } from '../row-writer.ts'
import { readMicros, readObject, readText, writeAttribute, writeFixed64, writeId, writeText } from './zipkin-fields.ts'

/** Reads the non-null value of a member. */
type ReadMember = (span: ZipkinSpanWriter) => void

/**
 * Writes each Zipkin span as a ResourceSpans.
 *
 * | Zipkin                       | OTLP                                                                   |
 * |------------------------------|------------------------------------------------------------------------|
 * | traceId, id, parentId        | the same, with zeros before one that is short                          |
 * | timestamp, duration, in µs   | start, end                                                             |
 * | kind                         | kind; none is internal                                                 |
 * | localEndpoint                | service.name of the resource, network.local.*                          |
 * | remoteEndpoint               | peer.service, network.peer.*                                           |
 * | tags                         | attributes, text; otel.scope.*, otel.status_*, error set OTLP fields   |
 * | annotations                  | events                                                                 |
 * | shared                       | a span with the id of its parent, the client's; kind and service tell them apart |
 */
export class ZipkinSpanWriter {
  readonly json: JsonReader
  readonly out: RowWriter
  readonly #redactor: Redactor | undefined
  readonly tags = new Map<string, string>()
  local: Endpoint = NO_ENDPOINT
  remote: Endpoint = NO_ENDPOINT
  traceId = ''
  id = ''
  parentId = ''
  isShared = false
  startMicros = 0
  durationMicros = 0
  kind = INTERNAL

  constructor(json: JsonReader, out: RowWriter, redactor?: Redactor) {
    this.json = json
    this.out = out
    this.#redactor = redactor
  }

  /** Reads the span at the reader's position. Members may come in any order. */
  write(): void {
    const { out, json } = this
    if (json.peek() !== BYTE.openObject) throw createFieldError('a span', 'an object', json)
    this.tags.clear()
    this.local = NO_ENDPOINT
    this.remote = NO_ENDPOINT
    this.traceId = ''
    this.id = ''
    this.parentId = ''
    this.isShared = false
    this.startMicros = 0
    this.durationMicros = 0
    this.kind = INTERNAL
    out.varint(0x0a)
    const resourceSpans = beginMessage(out, LONG)
    out.varint(0x12)
    const scopeSpans = beginMessage(out, LONG)
    out.varint(0x12)
    const span = beginMessage(out, LONG)
    readObject(json, (json) => {
      const member = SPAN.find(json)
      json.colon()
      if (json.isNull()) return
      if (member === undefined) skipUnknown(json)
      else member.value(this)
    })
    this.#writeRest()
    endMessage(out, span, LONG)
    this.#writeScope()
    endMessage(out, scopeSpans, LONG)
    this.#writeResource()
    endMessage(out, resourceSpans, LONG)
  }

  #writeRest(): void {
    const { out, local, remote } = this
    writeId(out, 0x0a, this.traceId, 32, 'traceId')
    writeId(out, 0x12, this.id, 16, 'id')
    // The server side of a call shares the id of the client side, which is its parent.
    const parentId = this.isShared ? this.id : this.parentId
    if (parentId !== '') writeId(out, 0x22, parentId, 16, 'parentId')
    const start = BigInt(this.startMicros) * 1000n
    const end = start + BigInt(this.durationMicros) * 1000n
    if (end >= 2n ** 64n) throw new OtlpError('bad-field', 'timestamp plus duration is out of range')
    writeFixed64(out, 0x39, start)
    writeFixed64(out, 0x41, end)
    out.varint(0x30)
    out.varint(this.kind)
    writeAddress(out, local, 'network.local')
    if (remote.serviceName !== '') writeAttribute(out, 0x4a, 'peer.service', remote.serviceName)
    writeAddress(out, remote, 'network.peer')
    this.#writeStatus()
  }

  /** The tag `error` marks an error and its text is the message; `false` is no error. */
  #writeStatus(): void {
    const { tags, out } = this
    const code = (tags.get('otel.status_code') ?? '').toUpperCase()
    const error = tags.get('error')
    const isError = code === 'ERROR' || (code === '' && error !== undefined && error !== 'false')
    if (!isError && code !== 'OK') return
    out.varint(0x7a)
    const status = beginMessage(out, SHORT)
    if (isError) {
      out.varint(0x12)
      out.text(this.#findTag('otel.status_description') ?? this.#findTag('error') ?? '')
    }
    out.varint(0x18)
    out.varint(isError ? 2 : 1)
    endMessage(out, status, SHORT)
  }

  #writeScope(): void {
    const { out } = this
    const name = this.#findTag('otel.scope.name') ?? this.#findTag('otel.library.name')
    const version = this.#findTag('otel.scope.version') ?? this.#findTag('otel.library.version')
    if (name === undefined && version === undefined) return
    out.varint(0x0a)
    const scope = beginMessage(out, SHORT)
    out.varint(0x0a)
    out.text(name ?? '')
    out.varint(0x12)
    out.text(version ?? '')
    endMessage(out, scope, SHORT)
  }

  /** The row writer redacts attributes by name, but these tags become other fields. */
  #findTag(name: string): string | undefined {
    const text = this.tags.get(name)
    return text !== undefined && this.#redactor?.hidesName(name) ? REDACTED : text
  }

  #writeResource(): void {
    const { out, local } = this
    if (local.serviceName === '') return
    out.varint(0x0a)
    const resource = beginMessage(out, SHORT)
    writeAttribute(out, 0x0a, 'service.name', local.serviceName)
    endMessage(out, resource, SHORT)
  }
}

const INTERNAL = 1
const KINDS: ReadonlyMap<string, number> = new Map([
  ['SERVER', 2],
  ['CLIENT', 3],
  ['PRODUCER', 4],
  ['CONSUMER', 5],
])

const SPAN = new Members<ReadMember>(() => ({
  traceId: (span) => (span.traceId = readText(span.json)),
  id: (span) => (span.id = readText(span.json)),
  parentId: (span) => (span.parentId = readText(span.json)),
  shared: (span) => (span.isShared = readText(span.json) === 'true'),
  name: ({ json, out }) => {
    out.varint(0x2a)
    writeText(json, out)
  },
  kind: (span) => (span.kind = KINDS.get(readText(span.json)) ?? INTERNAL),
  timestamp: (span) => (span.startMicros = readMicros(span.json, 'timestamp')),
  duration: (span) => (span.durationMicros = readMicros(span.json, 'duration')),
  localEndpoint: (span) => (span.local = readEndpoint(span.json)),
  remoteEndpoint: (span) => (span.remote = readEndpoint(span.json)),
  tags: readTags,
  annotations: readAnnotations,
}))

/** Tags that OTLP stores in other fields; `error` is stored in both. */
const SPECIAL_TAGS = new Members<{ readonly isAttribute: boolean }>(() => ({
  error: { isAttribute: true },
  'otel.scope.name': { isAttribute: false },
  'otel.scope.version': { isAttribute: false },
  'otel.library.name': { isAttribute: false },
  'otel.library.version': { isAttribute: false },
  'otel.status_code': { isAttribute: false },
  'otel.status_description': { isAttribute: false },
}))

function readTags({ json, out, tags }: ZipkinSpanWriter): void {
  if (json.peek() !== BYTE.openObject) return skipUnknown(json)
  readObject(json, (json) => {
    const { pos } = json
    const row = out.pos
    const special = SPECIAL_TAGS.find(json)
    json.colon()
    if (special !== undefined) {
      const start = (json.peek(), json.pos)
      tags.set(special.name, readText(json))
      if (!special.value.isAttribute) return
      json.pos = start
    }
    const valueAt = json.pos
    out.varint(0x4a)
    const attribute = beginMessage(out, SHORT)
    out.varint(0x0a)
    json.pos = pos
    json.string()
    json.writeString(out)
    json.pos = valueAt
    out.varint(0x12)
    const value = beginMessage(out, SHORT)
    out.varint(0x0a)
    if (json.isNull()) out.pos = row
    else {
      writeText(json, out)
      endMessage(out, value, SHORT)
      endMessage(out, attribute, SHORT)
    }
  })
}

function readAnnotations({ json, out }: ZipkinSpanWriter): void {
  if (json.peek() !== BYTE.openArray) return skipUnknown(json)
  for (let more = json.openArray(); more; more = json.nextElement()) {
    if (json.peek() !== BYTE.openObject) {
      skipUnknown(json)
      continue
    }
    out.varint(0x5a)
    const event = beginMessage(out, SHORT)
    readObject(json, (json) => {
      const name = ANNOTATION.find(json)?.value
      json.colon()
      if (json.isNull()) return
      if (name === 'timestamp') writeFixed64(out, 0x09, BigInt(readMicros(json, 'annotation timestamp')) * 1000n)
      else if (name === 'value') {
        out.varint(0x12)
        writeText(json, out)
      } else skipUnknown(json)
    })
    endMessage(out, event, SHORT)
  }
}

const ANNOTATION = new Members<'timestamp' | 'value'>(() => ({ timestamp: 'timestamp', value: 'value' }))

type Endpoint = { readonly serviceName: string; readonly address: string; readonly port: number }

const NO_ENDPOINT: Endpoint = { serviceName: '', address: '', port: 0 }

const ENDPOINT = new Members<'serviceName' | 'ipv4' | 'ipv6' | 'port'>(() => ({
  serviceName: 'serviceName',
  ipv4: 'ipv4',
  ipv6: 'ipv6',
  port: 'port',
}))

function readEndpoint(json: JsonReader): Endpoint {
  if (json.peek() !== BYTE.openObject) {
    skipUnknown(json)
    return NO_ENDPOINT
  }
  const endpoint = { serviceName: '', ipv4: '', ipv6: '', port: 0 }
  readObject(json, (json) => {
    const name = ENDPOINT.find(json)?.value
    json.colon()
    if (json.isNull()) return
    if (name === undefined) skipUnknown(json)
    else if (name === 'port') {
      const port = Number(readText(json))
      endpoint.port = Number.isInteger(port) && port <= 0xffff ? port : 0
    } else endpoint[name] = readText(json)
  })
  return { serviceName: endpoint.serviceName, address: endpoint.ipv4 || endpoint.ipv6, port: endpoint.port }
}

function writeAddress(out: RowWriter, { address, port }: Endpoint, prefix: string): void {
  if (address !== '') writeAttribute(out, 0x4a, `${prefix}.address`, address)
  if (port > 0) writeAttribute(out, 0x4a, `${prefix}.port`, port)
}
