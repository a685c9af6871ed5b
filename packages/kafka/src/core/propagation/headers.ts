import type { TextMapGetter } from '@opentelemetry/api'
import { decodeHeader, getHeaderShape, visitHeaders, type HeaderRecord } from './header-shapes.ts'

/**
 * How a client wants the headers we add, where plain strings won't do (Buffer serializers, for
 * example).
 */
export interface HeaderEncoding {
  /** @default the text itself; bytes where the other keys are bytes */
  readonly key?: (name: string) => unknown
  /** @default the text itself; bytes where the other keys are bytes */
  readonly value?: (text: string) => unknown
}

/**
 * Names and values that a propagator wrote, alternating: `['traceparent', '00-…', 'baggage',
 * 'a=b']`.
 */
export type HeaderEntries = readonly string[]

/**
 * Reads propagation fields from record headers of any shape. Names match case-insensitively. Of a
 * repeated field the last usable value counts, the most recent hop's; `tracestate` and `baggage`
 * are lists, so theirs are joined (W3C Trace Context 3.3.1.4, W3C Baggage 3.3).
 */
export const headerGetter: TextMapGetter<unknown> = {
  keys(headers) {
    const names = new Set<string>()
    visitHeaders(headers, (key) => {
      const name = decodeHeader(key)
      if (name !== undefined) names.add(name)
    })
    return [...names]
  },
  get(headers, name) {
    if (headers === undefined || headers === null) return undefined
    if (!isPlainObject(headers) && getHeaderShape(headers) !== 'record') return findField(headers, name.toLowerCase())
    const exact = getOwnValue(headers as HeaderRecord, name)
    const text = decodeField(exact)
    if (text !== undefined) return text
    // Most records have two or three headers, none of this name: skip the search.
    const lowerCased = name.toLowerCase()
    return exact !== undefined || hasField(headers, lowerCased) ? findField(headers, lowerCased) : undefined
  },
}

/** Whether `headers` hold any of `names`, which must be lower-case. */
export function hasHeader(headers: unknown, names: ReadonlySet<string>): boolean {
  if (headers === undefined || headers === null) return false
  if (isPlainObject(headers) || getHeaderShape(headers) === 'record') {
    for (const key of Object.keys(headers)) if (names.has(key.toLowerCase())) return true
    return false
  }
  let found = false
  visitHeaders(headers, (key) => {
    found ||= hasNameIn(key, names)
  })
  return found
}

/**
 * Copies `headers` in their own shape, without the fields `removed` (lower-case) and with
 * `entries`, which replace headers of the same name in any case. Returns headers that are no
 * carrier unchanged: the client rejects them.
 */
export function replaceHeaders(
  headers: unknown,
  entries: HeaderEntries,
  removed: ReadonlySet<string>,
  encoding: HeaderEncoding = AS_TEXT,
): unknown {
  if (headers === undefined || headers === null) return toRecord(entries, encoding)
  switch (getHeaderShape(headers)) {
    case 'record':
      return replaceInRecord(headers as HeaderRecord, entries, removed, encoding)
    case 'records': {
      const kept = (headers as readonly unknown[]).filter((record) => !shouldReplaceRecord(record, entries, removed))
      return [...kept, ...toPairs(entries, encoding).map(([key, value]) => ({ [String(key)]: value }))]
    }
    case 'map': {
      const pairs = [...(headers as ReadonlyMap<unknown, unknown>)]
      return new Map(replaceInPairs(pairs, entries, removed, encoding))
    }
    case 'pairs':
      return replaceInPairs(headers as readonly unknown[][], entries, removed, encoding)
    case undefined:
      return headers
  }
}

const AS_TEXT: HeaderEncoding = {}

/**
 * Larger than any valid value of the fields we read: W3C allows 8,192 bytes of baggage, 512
 * characters of tracestate.
 */
const MAX_FIELD_LENGTH = 16_384
const LIST_FIELDS: ReadonlySet<string> = new Set(['tracestate', 'baggage'])

function findField(headers: unknown, lowerCased: string): string | undefined {
  const isList = LIST_FIELDS.has(lowerCased)
  let found: string | undefined
  visitHeaders(headers, (key, value) => {
    if (!hasSameName(key, lowerCased)) return
    const text = decodeField(value)
    if (text === undefined) return
    found = isList && found !== undefined ? `${found},${text}` : text
  })
  return found
}

function hasField(headers: object, lowerCased: string): boolean {
  for (const key in headers) {
    if (key.length === lowerCased.length && key.toLowerCase() === lowerCased) return true
  }
  return false
}

// Headers of all clients are plain objects; other shapes take longer to recognize.
function isPlainObject(headers: unknown): boolean {
  return Object.getPrototypeOf(headers) === Object.prototype
}

function decodeField(value: unknown): string | undefined {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) return undefined
  if (value.length === 0 || value.length > MAX_FIELD_LENGTH) return undefined
  return decodeHeader(value)
}

function getOwnValue(headers: HeaderRecord, name: string): unknown {
  return Object.hasOwn(headers, name) ? headers[name] : undefined
}

function hasSameName(key: unknown, lowerCased: string): boolean {
  // Names of propagation fields are ASCII, so the length in bytes is the length in characters.
  if (typeof key !== 'string' && !(key instanceof Uint8Array)) return false
  return key.length === lowerCased.length && decodeHeader(key)?.toLowerCase() === lowerCased
}

function hasNameIn(key: unknown, names: ReadonlySet<string>): boolean {
  const name = decodeHeader(key)
  return name !== undefined && names.has(name.toLowerCase())
}

function shouldReplace(key: unknown, entries: HeaderEntries, removed: ReadonlySet<string>): boolean {
  if (hasNameIn(key, removed)) return true
  for (let i = 0; i < entries.length; i += 2) if (hasSameName(key, entries[i]!.toLowerCase())) return true
  return false
}

function shouldReplaceRecord(record: unknown, entries: HeaderEntries, removed: ReadonlySet<string>): boolean {
  if (getHeaderShape(record) !== 'record') return false
  // node-rdkafka sends the first key of each object only.
  const [first] = Object.keys(record as HeaderRecord)
  return first !== undefined && shouldReplace(first, entries, removed)
}

function toRecord(entries: HeaderEntries, encoding: HeaderEncoding): Record<string, unknown> {
  const record: Record<string, unknown> = {}
  const encode = encoding.value
  for (let i = 0; i < entries.length; i += 2) record[entries[i]!] = encode ? encode(entries[i + 1]!) : entries[i + 1]
  return record
}

function replaceInRecord(
  headers: HeaderRecord,
  entries: HeaderEntries,
  removed: ReadonlySet<string>,
  encoding: HeaderEncoding,
): HeaderRecord {
  const copy: Record<string, unknown> = { ...headers }
  for (const key of Object.keys(copy)) if (shouldReplace(key, entries, removed)) delete copy[key]
  return Object.assign(copy, toRecord(entries, encoding))
}

function replaceInPairs(
  pairs: readonly (readonly unknown[])[],
  entries: HeaderEntries,
  removed: ReadonlySet<string>,
  encoding: HeaderEncoding,
): readonly [unknown, unknown][] {
  const inBytes = pairs[0]?.[0] instanceof Uint8Array
  const bytes: HeaderEncoding = inBytes ? { key: Buffer.from, value: Buffer.from } : {}
  const kept = pairs.filter((pair) => !shouldReplace(pair[0], entries, removed)) as [unknown, unknown][]
  return [...kept, ...toPairs(entries, { ...bytes, ...encoding })]
}

function toPairs(entries: HeaderEntries, encoding: HeaderEncoding): [unknown, unknown][] {
  const key = encoding.key ?? ((name: string) => name)
  const value = encoding.value ?? ((text: string) => text)
  const pairs: [unknown, unknown][] = []
  for (let i = 0; i < entries.length; i += 2) pairs.push([key(entries[i]!), value(entries[i + 1]!)])
  return pairs
}
