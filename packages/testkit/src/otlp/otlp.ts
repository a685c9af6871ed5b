import type { TracesRequest, OtlpSpan, OtlpKeyValue, OtlpAnyValue } from './types.ts'
import { protoTypes } from './proto.ts'

export type * from './types.ts'
export { generateRequests, generateSpans, type GenerateOptions } from './generate-spans.ts'
export { seededRandom, type Random } from './random.ts'
export { OTLP_COMMON } from './proto.ts'
export { randomSpanId, randomTraceId } from './trace-ids.ts'

/**
 * Encodes `ExportTraceServiceRequest` as protobuf. As in proto3, zeros and empty fields are
 * omitted, except values of AnyValue.
 */
export function encodeTraces(request: TracesRequest): Uint8Array {
  const type = protoTypes.request
  return type.encode(type.fromObject(withIds(request, hexToBytes))).finish()
}

/** The inverse; returns only fields that were encoded. Throws on invalid protobuf. */
export function decodeTraces(bytes: Uint8Array): TracesRequest {
  const decoded = protoTypes.request.toObject(protoTypes.request.decode(bytes), TO_JSON)
  // protobufjs returns ids as base64, like all bytes.
  return withIds(decoded, (id) => Buffer.from(id, 'base64').toString('hex'))
}

/** A receiver's response; an empty object is full success. */
export interface TracesResponse {
  readonly partialSuccess?: { readonly rejectedSpans?: string; readonly errorMessage?: string }
}

export function decodeTracesResponse(bytes: Uint8Array): TracesResponse {
  return protoTypes.response.toObject(protoTypes.response.decode(bytes), TO_JSON)
}

/** The body of every 4xx and 5xx response, `google.rpc.Status`. */
export interface RpcStatus {
  readonly code?: number
  readonly message?: string
  readonly details?: readonly { readonly typeUrl?: string; readonly value?: string }[]
}

export function decodeRpcStatus(bytes: Uint8Array): RpcStatus {
  return protoTypes.rpcStatus.toObject(protoTypes.rpcStatus.decode(bytes), TO_JSON)
}

/**
 * An attribute from a plain value: `kv('http.response.status_code', 200)`. Integers and bigints
 * become `intValue`.
 */
export function kv(key: string, value: PlainValue): OtlpKeyValue {
  return { key, value: anyValue(value) }
}

export type PlainValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue }

export function anyValue(value: PlainValue): OtlpAnyValue {
  if (value === null) return {}
  switch (typeof value) {
    case 'string':
      return { stringValue: value }
    case 'boolean':
      return { boolValue: value }
    case 'bigint':
      return { intValue: String(value) }
    case 'number':
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) return { intValue: String(value) }
      // JSON has no NaN or infinities; proto3 JSON encodes them as strings.
      return { doubleValue: Number.isFinite(value) ? value : String(value) }
    default:
      if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') }
      if (isList(value)) return { arrayValue: { values: value.map(anyValue) } }
      return { kvlistValue: { values: Object.entries(value).map(([key, inner]) => kv(key, inner)) } }
  }
}

/** A request with one resource and one scope, the usual case in a test. */
export function tracesOf(service: string, spans: readonly OtlpSpan[], scope = 'test'): TracesRequest {
  return {
    resourceSpans: [
      { resource: { attributes: [kv('service.name', service)] }, scopeSpans: [{ scope: { name: scope }, spans }] },
    ],
  }
}

const TO_JSON = { longs: String, bytes: String, enums: Number, json: true } as const

function isList(value: object): value is readonly PlainValue[] {
  return Array.isArray(value)
}

function hexToBytes(id: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/i.test(id)) throw new Error(`an id is hex digits in pairs, protobuf cannot carry ${id}`)
  return Buffer.from(id, 'hex')
}

const ID_NAMES = new Set(['traceId', 'spanId', 'parentSpanId'])

/** The lists of messages that lead to ids. */
const LIST_NAMES = new Set(['resourceSpans', 'scopeSpans', 'spans', 'links'])

/** The same message with every span and link id mapped. */
function withIds(message: object, map: (id: string) => unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(message).map(([name, value]: [string, unknown]) => {
      if (ID_NAMES.has(name) && typeof value === 'string') return [name, map(value)]
      if (LIST_NAMES.has(name) && Array.isArray(value)) return [name, value.map((item: object) => withIds(item, map))]
      return [name, value]
    }),
  )
}
