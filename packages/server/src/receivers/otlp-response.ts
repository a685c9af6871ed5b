import { encodeBytesField, encodeMessageField, encodeVarintField } from '../otlp/wire/protobuf-fields.ts'

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
  permissionDenied: 7,
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
 * | Status    | Any        | BadRequest         | FieldViolation | RetryInfo     | Duration  |
 * |-----------|------------|--------------------|----------------|---------------|-----------|
 * | 1 code    | 1 type_url | 1 field_violations | 1 field        | 1 retry_delay | 1 seconds |
 * | 2 message | 2 value    |                    | 2 description  |               |           |
 * | 3 details |            |                    |                |               |           |
 */
export function encodeStatus(encoding: Encoding, code: number, message: string, retryAfterSeconds?: number): Buffer {
  const invalid = code === RPC_CODES.invalidArgument
  if (encoding === 'json') {
    const details: object[] = []
    if (invalid) details.push({ '@type': BAD_REQUEST, fieldViolations: [{ description: message }] })
    if (retryAfterSeconds !== undefined) details.push({ '@type': RETRY_INFO, retryDelay: `${retryAfterSeconds}s` })
    return Buffer.from(JSON.stringify({ code, message, ...(details.length > 0 ? { details } : {}) }))
  }
  const parts = [encodeVarintField(1, code), encodeBytesField(2, message)]
  if (invalid) parts.push(encodeDetail(BAD_REQUEST, encodeBytesField(1, encodeBytesField(2, message))))
  if (retryAfterSeconds !== undefined) {
    parts.push(encodeDetail(RETRY_INFO, encodeBytesField(1, encodeVarintField(1, retryAfterSeconds))))
  }
  return Buffer.concat(parts)
}

function encodeDetail(typeUrl: string, value: Buffer): Buffer {
  return encodeMessageField(3, [encodeBytesField(1, typeUrl), encodeBytesField(2, value)])
}

/**
 * ExportTraceServiceResponse and its counterparts for logs and metrics: empty if everything was
 * accepted. A reason with zero rejected items is a warning
 * (https://opentelemetry.io/docs/specs/otlp/#partial-success-1).
 *
 * | Response          | PartialSuccess  |
 * |-------------------|-----------------|
 * | 1 partial_success | 1 rejected_…    |
 * |                   | 2 error_message |
 *
 * @param rejectedName JSON name of the first field, such as `rejectedSpans`
 */
export function encodeSuccess(encoding: Encoding, rejectedName: string, rejected: number, reason: string): Buffer {
  if (rejected === 0 && reason === '') return Buffer.from(encoding === 'json' ? '{}' : '')
  if (encoding === 'json') {
    return Buffer.from(JSON.stringify({ partialSuccess: { [rejectedName]: String(rejected), errorMessage: reason } }))
  }
  return encodeMessageField(1, [encodeVarintField(1, rejected), encodeBytesField(2, reason)])
}
