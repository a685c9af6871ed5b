import { isUtf8 } from 'node:buffer'
import { OtlpError } from './error.ts'
import type { MessageShape } from './json-fields.ts'
import { EXPORT_METRICS_SERVICE_REQUEST } from './json-metric-shapes.ts'
import { EXPORT_LOGS_SERVICE_REQUEST, EXPORT_TRACE_SERVICE_REQUEST } from './json-shapes.ts'
import { RowWriter } from './row-writer.ts'
import type { LogRows, MetricRows, TraceRows } from './rows.ts'
import { transcodeTraces } from './transcode.ts'
import { transcodeLogs } from './transcode-logs.ts'
import { transcodeMetrics } from './transcode-metrics.ts'

const protobuf = new RowWriter(64 * 1024)

/**
 * The same for OTLP/JSON. It is rewritten as protobuf and transcoded, so both encodings give the same rows and the
 * same source ids by construction; JSON.parse costs more than the detour.
 *
 * @throws OtlpError when the bytes are no OTLP/JSON
 */
export function transcodeTracesJson(body: Uint8Array, receivedUnixSeconds: number): TraceRows {
  return transcodeTraces(protobufFromJson(body, EXPORT_TRACE_SERVICE_REQUEST), receivedUnixSeconds)
}

/** @throws OtlpError when the bytes are no OTLP/JSON */
export function transcodeLogsJson(body: Uint8Array, receivedUnixSeconds: number): LogRows {
  return transcodeLogs(protobufFromJson(body, EXPORT_LOGS_SERVICE_REQUEST), receivedUnixSeconds)
}

/** @throws OtlpError when the bytes are no OTLP/JSON */
export function transcodeMetricsJson(body: Uint8Array, receivedUnixSeconds: number): MetricRows {
  return transcodeMetrics(protobufFromJson(body, EXPORT_METRICS_SERVICE_REQUEST), receivedUnixSeconds)
}

/** From an OTLP/JSON request that is parsed already. */
export function tracesFromOtlp(request: object, receivedUnixSeconds: number): TraceRows {
  return transcodeTraces(toProtobuf(request, EXPORT_TRACE_SERVICE_REQUEST), receivedUnixSeconds)
}

function protobufFromJson(body: Uint8Array, shape: MessageShape): Uint8Array {
  return toProtobuf(parseJson(body), shape)
}

/** The bytes are only valid until the next call. */
function toProtobuf(request: unknown, shape: MessageShape): Uint8Array {
  protobuf.reset()
  shape(protobuf, request, 0)
  return protobuf.bytes.subarray(0, protobuf.pos)
}

/** @throws OtlpError when the bytes are no JSON */
export function parseJson(body: Uint8Array): unknown {
  if (!isUtf8(body)) throw new OtlpError('bad-json', 'body is not UTF-8, which JSON must be')
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  try {
    return LONG_INTEGER.test(text) ? JSON.parse(text, keepLongInteger) : JSON.parse(text)
  } catch (cause) {
    if (cause instanceof RangeError) throw new OtlpError('too-deep', 'JSON nests too deep', { cause })
    throw new OtlpError('bad-json', `body is not JSON: ${cause instanceof Error ? cause.message : 'unreadable'}`, {
      cause,
    })
  }
}

/** An unquoted integer that a JavaScript number may not hold. Strings that look like one only cost the slower parse. */
const LONG_INTEGER = /[:[,]\s*-?\d{16}/

/** OTLP allows 64-bit integers as JSON numbers too: their digits are taken from the source text. */
function keepLongInteger(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source ?? ''
  return /^-?\d+$/.test(source) ? source : value
}
