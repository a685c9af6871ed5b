import type { TextMapGetter } from '@opentelemetry/api'
import { headerText, shapeOf, visitHeaders } from './header-shapes.ts'
import type { HeaderRecord } from './header-shapes.ts'

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
      const name = headerText(key)
      if (name !== undefined) names.add(name)
    })
    return [...names]
  },
  get(headers, name) {
    if (headers === undefined || headers === null) return undefined
    if (!isPlain(headers) && shapeOf(headers) !== 'record') return searchedValue(headers, name.toLowerCase())
    const exact = ownValue(headers as HeaderRecord, name)
    const text = usableText(exact)
    if (text !== undefined) return text
    // The usual record has two or three headers, none of them of this name: no search for those.
    const lowerCased = name.toLowerCase()
    return exact !== undefined || hasName(headers, lowerCased) ? searchedValue(headers, lowerCased) : undefined
  },
}

/** Whether `headers` hold any of `names`, which must be lower-case. */
export function hasHeader(headers: unknown, names: ReadonlySet<string>): boolean {
  if (headers === undefined || headers === null) return false
  if (isPlain(headers) || shapeOf(headers) === 'record') {
    for (const key of Object.keys(headers)) if (names.has(key.toLowerCase())) return true
    return false
  }
  let found = false
  visitHeaders(headers, (key) => {
    found ||= isNamed(key, names)
  })
  return found
}

/**
 * A copy of `headers`, in their own shape, without the fields `removed` (lower-case) and with
 * `entries`. An entry replaces every header of its name, in whatever case that is written.
 * `headers` themselves are never touched, and headers that are no carrier come back as they are:
 * refusing them is the client's business.
 */
export function replaceHeaders(
  headers: unknown,
  entries: HeaderEntries,
  removed: ReadonlySet<string>,
  encoding: HeaderEncoding = AS_TEXT,
): unknown {
  if (headers === undefined || headers === null) return recordOf(entries, encoding)
  switch (shapeOf(headers)) {
    case 'record':
      return replacedRecord(headers as HeaderRecord, entries, removed, encoding)
    case 'records': {
      const kept = (headers as readonly unknown[]).filter((record) => !holdsRemoved(record, entries, removed))
      return [...kept, ...pairsOf(entries, encoding).map(([key, value]) => ({ [String(key)]: value }))]
    }
    case 'map': {
      const pairs = [...(headers as ReadonlyMap<unknown, unknown>)]
      return new Map(replacedPairs(pairs, entries, removed, encoding))
    }
    case 'pairs':
      return replacedPairs(headers as readonly unknown[][], entries, removed, encoding)
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

function searchedValue(headers: unknown, lowerCased: string): string | undefined {
  const isList = LIST_FIELDS.has(lowerCased)
  let found: string | undefined
  visitHeaders(headers, (key, value) => {
    if (!matches(key, lowerCased)) return
    const text = usableText(value)
    if (text === undefined) return
    found = isList && found !== undefined ? `${found},${text}` : text
  })
  return found
}

function hasName(headers: object, lowerCased: string): boolean {
  for (const key in headers) {
    if (key.length === lowerCased.length && key.toLowerCase() === lowerCased) return true
  }
  return false
}

// Records of all clients are; the other shapes take a while to be told apart.
function isPlain(headers: unknown): boolean {
  return Object.getPrototypeOf(headers) === Object.prototype
}

function usableText(value: unknown): string | undefined {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) return undefined
  if (value.length === 0 || value.length > MAX_FIELD_LENGTH) return undefined
  return headerText(value)
}

function ownValue(headers: HeaderRecord, name: string): unknown {
  return Object.hasOwn(headers, name) ? headers[name] : undefined
}

function matches(key: unknown, lowerCased: string): boolean {
  // Names of propagation fields are ASCII, so the length in bytes is the length in characters.
  if (typeof key !== 'string' && !(key instanceof Uint8Array)) return false
  return key.length === lowerCased.length && headerText(key)?.toLowerCase() === lowerCased
}

function isNamed(key: unknown, names: ReadonlySet<string>): boolean {
  const name = headerText(key)
  return name !== undefined && names.has(name.toLowerCase())
}

function isReplaced(key: unknown, entries: HeaderEntries, removed: ReadonlySet<string>): boolean {
  if (isNamed(key, removed)) return true
  for (let i = 0; i < entries.length; i += 2) if (matches(key, entries[i]!.toLowerCase())) return true
  return false
}

function holdsRemoved(record: unknown, entries: HeaderEntries, removed: ReadonlySet<string>): boolean {
  if (shapeOf(record) !== 'record') return false
  // node-rdkafka sends the first key of each object only.
  const [first] = Object.keys(record as HeaderRecord)
  return first !== undefined && isReplaced(first, entries, removed)
}

function recordOf(entries: HeaderEntries, encoding: HeaderEncoding): Record<string, unknown> {
  const record: Record<string, unknown> = {}
  const encode = encoding.value
  for (let i = 0; i < entries.length; i += 2) record[entries[i]!] = encode ? encode(entries[i + 1]!) : entries[i + 1]
  return record
}

function replacedRecord(
  headers: HeaderRecord,
  entries: HeaderEntries,
  removed: ReadonlySet<string>,
  encoding: HeaderEncoding,
): HeaderRecord {
  const copy: Record<string, unknown> = { ...headers }
  for (const key of Object.keys(copy)) if (isReplaced(key, entries, removed)) delete copy[key]
  return Object.assign(copy, recordOf(entries, encoding))
}

function replacedPairs(
  pairs: readonly (readonly unknown[])[],
  entries: HeaderEntries,
  removed: ReadonlySet<string>,
  encoding: HeaderEncoding,
): readonly [unknown, unknown][] {
  const inBytes = pairs[0]?.[0] instanceof Uint8Array
  const bytes: HeaderEncoding = inBytes ? { key: Buffer.from, value: Buffer.from } : {}
  const kept = pairs.filter((pair) => !isReplaced(pair[0], entries, removed)) as [unknown, unknown][]
  return [...kept, ...pairsOf(entries, { ...bytes, ...encoding })]
}

function pairsOf(entries: HeaderEntries, encoding: HeaderEncoding): [unknown, unknown][] {
  const key = encoding.key ?? ((name: string) => name)
  const value = encoding.value ?? ((text: string) => text)
  const pairs: [unknown, unknown][] = []
  for (let i = 0; i < entries.length; i += 2) pairs.push([key(entries[i]!), value(entries[i + 1]!)])
  return pairs
}
