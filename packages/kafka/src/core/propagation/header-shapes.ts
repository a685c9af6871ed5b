// The shapes in which Node's Kafka clients take and deliver record headers. A record header is a
// UTF-8 key with bytes or null as its value; keys may repeat and keep their order (KIP-82).
//
// kafkajs, Confluent (KafkaJS API) { key: Buffer | string | (Buffer | string)[] | null }
// node-rdkafka, Confluent (rdkafka) [{ key: value }, { key: value }] repeated keys are further
// elements
// @platformatic/kafka Map<key, value>, or { key: value }, or [[key, value], [key, value]]

/** Record headers in any shape a client takes or delivers. */
export type HeaderCarrier =
  | HeaderRecord
  | ReadonlyMap<unknown, unknown>
  | readonly HeaderRecord[]
  | readonly (readonly [unknown, unknown])[]

/**
 * Headers as an object: a value is a string, bytes, null, or an array of those when the key
 * repeats.
 */
export type HeaderRecord = Readonly<Record<string, unknown>>

type HeaderShape = 'record' | 'map' | 'pairs' | 'records'

/** Returns the shape of `headers`, undefined if no client would accept them. */
export function getHeaderShape(headers: unknown): HeaderShape | undefined {
  if (typeof headers !== 'object' || headers === null || headers instanceof Uint8Array) return undefined
  if (headers instanceof Map) return 'map'
  if (!Array.isArray(headers)) return 'record'
  return Array.isArray(headers[0]) ? 'pairs' : 'records'
}

/** Calls `visit` for every header in wire order, once per value of a repeated key. */
export function visitHeaders(headers: unknown, visit: (key: unknown, value: unknown) => void): void {
  switch (getHeaderShape(headers)) {
    case 'record':
      visitRecord(headers as HeaderRecord, visit)
      break
    case 'records':
      for (const record of headers as readonly unknown[]) {
        if (getHeaderShape(record) === 'record') visitRecord(record as HeaderRecord, visit)
      }
      break
    case 'map':
    case 'pairs':
      for (const pair of headers as Iterable<unknown>) {
        if (Array.isArray(pair)) visitValues(pair[0], pair[1], visit)
      }
      break
    case undefined:
  }
}

/** Decodes a header's key or value: strings, and bytes as UTF-8; undefined for anything else. */
export function decodeHeader(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!(value instanceof Uint8Array)) return undefined
  if (Buffer.isBuffer(value)) return value.toString('utf8')
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')
}

function visitRecord(record: HeaderRecord, visit: (key: unknown, value: unknown) => void): void {
  for (const key of Object.keys(record)) visitValues(key, record[key], visit)
}

function visitValues(key: unknown, value: unknown, visit: (key: unknown, value: unknown) => void): void {
  if (!Array.isArray(value)) return visit(key, value)
  for (const one of value) visit(key, one)
}
