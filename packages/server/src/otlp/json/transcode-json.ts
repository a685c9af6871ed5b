import { isUtf8 } from 'node:buffer'
import { OtlpError } from '../error.ts'
import { type Parent, ParentWriter } from './parent.ts'
import { JsonReader } from './reader.ts'
import { LOGS, METRICS, TRACES } from './requests.ts'
import { Rejections } from '../rejections.ts'
import { RowWriter } from '../row-writer.ts'
import type { LogRows, MetricRows, TraceRows } from '../rows.ts'
import { runSteps, type Steps } from '../steps.ts'
import { transcodeTracesInSteps } from '../trace/transcode-traces.ts'
import { transcodeLogsInSteps } from '../log/transcode-logs.ts'
import { transcodeMetricsInSteps } from '../metric/transcode-metrics.ts'

/** Buffer that is reused by the next request. */
let idle: RowWriter | undefined

/**
 * Decodes OTLP/JSON by rewriting it as protobuf, token by token. Both encodings therefore give the
 * same rows and source ids, and members may come in any order.
 *
 * @throws OtlpError when the bytes are not OTLP/JSON
 */
export function* transcodeTracesJsonInSteps(body: Uint8Array, receivedUnixSeconds: number): Steps<TraceRows> {
  const rejections = new Rejections('span')
  return yield* transcode(body, TRACES, rejections, (protobuf) =>
    transcodeTracesInSteps(protobuf, receivedUnixSeconds, rejections),
  )
}

/** @throws OtlpError when the bytes are not OTLP/JSON */
export function* transcodeLogsJsonInSteps(body: Uint8Array, receivedUnixSeconds: number): Steps<LogRows> {
  const rejections = new Rejections('log record')
  return yield* transcode(body, LOGS, rejections, (protobuf) =>
    transcodeLogsInSteps(protobuf, receivedUnixSeconds, rejections),
  )
}

/** @throws OtlpError when the bytes are not OTLP/JSON */
export function* transcodeMetricsJsonInSteps(body: Uint8Array, receivedUnixSeconds: number): Steps<MetricRows> {
  const rejections = new Rejections('point')
  return yield* transcode(body, METRICS, rejections, (protobuf) =>
    transcodeMetricsInSteps(protobuf, receivedUnixSeconds, rejections),
  )
}

/** Runs `transcodeTracesJsonInSteps` without pausing. */
export function transcodeTracesJson(body: Uint8Array, receivedUnixSeconds: number): TraceRows {
  return runSteps(transcodeTracesJsonInSteps(body, receivedUnixSeconds))
}

export function transcodeLogsJson(body: Uint8Array, receivedUnixSeconds: number): LogRows {
  return runSteps(transcodeLogsJsonInSteps(body, receivedUnixSeconds))
}

export function transcodeMetricsJson(body: Uint8Array, receivedUnixSeconds: number): MetricRows {
  return runSteps(transcodeMetricsJsonInSteps(body, receivedUnixSeconds))
}

function* transcode<Rows>(
  body: Uint8Array,
  request: Parent,
  rejections: Rejections,
  toRows: (protobuf: Uint8Array) => Steps<Rows>,
): Steps<Rows> {
  return yield* transcodeProtobuf((protobuf) => writeProtobuf(openJson(body), protobuf, request, rejections), toRows)
}

/** Converts the protobuf that `write` produces to rows. */
export function* transcodeProtobuf<Rows>(
  write: (protobuf: RowWriter) => Steps<void>,
  toRows: (protobuf: Uint8Array) => Steps<Rows>,
): Steps<Rows> {
  const protobuf = idle ?? new RowWriter()
  idle = undefined
  try {
    yield* write(protobuf)
    const rows = toRows(protobuf.bytes.subarray(0, protobuf.pos))
    for (;;) {
      const step = rows.next()
      if (step.done === true) return step.value
      yield protobuf.pos + step.value
    }
  } finally {
    protobuf.reset()
    idle = protobuf
  }
}

/** Rewrites a complete body as protobuf. */
export function* writeProtobuf(json: JsonReader, out: RowWriter, request: Parent, rejections: Rejections): Steps<void> {
  yield* new ParentWriter(json, out, rejections).write(request)
  json.atEnd()
}

/** @throws OtlpError when the bytes are not UTF-8 */
export function openJson(body: Uint8Array): JsonReader {
  if (!isUtf8(body)) throw new OtlpError('bad-json', 'body is not UTF-8, which JSON must be')
  return new JsonReader(body)
}
