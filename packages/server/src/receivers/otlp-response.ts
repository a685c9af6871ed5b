/** The two encodings of OTLP/HTTP; a response has the encoding of its request. */
export type Encoding = 'protobuf' | 'json'

export const CONTENT_TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' } as const

export function parseContentType(contentType: string | undefined): Encoding | undefined {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (type === CONTENT_TYPES.protobuf) return 'protobuf'
  return type === CONTENT_TYPES.json ? 'json' : undefined
}

/** The google.rpc.Code values that the receivers return. */
export const RPC_CODES = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const

const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest'
const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo'

/**
 * google.rpc.Status (https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto),
 * the body of every 4xx and 5xx. As OTLP requires, an invalid argument has a BadRequest with one
 * violation, and a retryable error has a RetryInfo.
 *
 * | Status    | tag  | | Any        | tag  | | BadRequest         | tag  | | FieldViolation | tag  |
 * |-----------|------|-|------------|------|-|--------------------|------|-|----------------|------|
 * | 1 code    | 0x08 | | 1 type_url | 0x0a | | 1 field_violations | 0x0a | | 1 field        | 0x0a |
 * | 2 message | 0x12 | | 2 value    | 0x12 | |                    |      | | 2 description  | 0x12 |
 * | 3 details | 0x1a | |            |      | | RetryInfo          |      | | Duration       |      |
 * |           |      | |            |      | | 1 retry_delay      | 0x0a | | 1 seconds      | 0x08 |
 */
export function encodeStatus(encoding: Encoding, code: number, message: string, retryAfterSeconds?: number): Buffer {
  const invalid = code === RPC_CODES.invalidArgument
  if (encoding === 'json') {
    const details: object[] = []
    if (invalid) details.push({ '@type': BAD_REQUEST, fieldViolations: [{ description: message }] })
    if (retryAfterSeconds !== undefined) details.push({ '@type': RETRY_INFO, retryDelay: `${retryAfterSeconds}s` })
    return Buffer.from(JSON.stringify({ code, message, ...(details.length > 0 ? { details } : {}) }))
  }
  const text = Buffer.from(message)
  const parts = [Buffer.from([0x08]), varint(code), delimited(0x12, text)]
  if (invalid) parts.push(delimited(0x1a, encodeAny(BAD_REQUEST, delimited(0x0a, delimited(0x12, text)))))
  if (retryAfterSeconds !== undefined) {
    const seconds = Buffer.concat([Buffer.from([0x08]), varint(retryAfterSeconds)])
    parts.push(delimited(0x1a, encodeAny(RETRY_INFO, delimited(0x0a, seconds))))
  }
  return Buffer.concat(parts)
}

function encodeAny(typeUrl: string, value: Buffer): Buffer {
  return Buffer.concat([delimited(0x0a, Buffer.from(typeUrl)), delimited(0x12, value)])
}

/**
 * ExportTraceServiceResponse and its counterparts for logs and metrics: empty if everything was
 * accepted. A reason with zero rejected items is a warning
 * (https://opentelemetry.io/docs/specs/otlp/#partial-success-1).
 *
 * | Response          | tag  | | PartialSuccess  | tag  |
 * |-------------------|------|-|-----------------|------|
 * | 1 partial_success | 0x0a | | 1 rejected_…    | 0x08 |
 * |                   |      | | 2 error_message | 0x12 |
 *
 * @param rejectedName JSON name of the first field, such as `rejectedSpans`
 */
export function encodeSuccess(encoding: Encoding, rejectedName: string, rejected: number, reason: string): Buffer {
  if (rejected === 0 && reason === '') return Buffer.from(encoding === 'json' ? '{}' : '')
  if (encoding === 'json') {
    return Buffer.from(JSON.stringify({ partialSuccess: { [rejectedName]: String(rejected), errorMessage: reason } }))
  }
  const partial = Buffer.concat([Buffer.from([0x08]), varint(rejected), delimited(0x12, Buffer.from(reason))])
  return delimited(0x0a, partial)
}

function delimited(tag: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return Buffer.from(bytes)
}
