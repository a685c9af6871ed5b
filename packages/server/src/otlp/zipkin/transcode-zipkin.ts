import { OtlpError } from '../error.ts'
import { openJson, transcodeProtobuf } from '../json/transcode-json.ts'
import { ParentWriter } from '../json/parent.ts'
import { Rejections } from '../rejections.ts'
import type { TraceRows } from '../rows.ts'
import { runSteps, type Steps } from '../steps.ts'
import { transcodeTracesInSteps } from '../trace/transcode-traces.ts'
import { ZipkinSpanWriter } from './zipkin-span.ts'

/**
 * Converts Zipkin v2 JSON (https://zipkin.io/zipkin-api/#/default/post_spans) to rows: rewrites it
 * as OTLP, by the inverse of https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/.
 * See `ZipkinSpanWriter`.
 *
 * @throws OtlpError when the bytes are no list of spans, or no span can be stored
 */
export function* transcodeZipkinInSteps(body: Uint8Array, receivedUnixSeconds: number): Steps<TraceRows> {
  const rejections = new Rejections('span')
  const rows = yield* transcodeProtobuf(
    function* (protobuf) {
      const json = openJson(body)
      const spans = new ZipkinSpanWriter(json, protobuf)
      yield* new ParentWriter(json, protobuf, rejections).writeItems('the body', () => spans.write())
      json.atEnd()
    },
    (protobuf) => transcodeTracesInSteps(protobuf, receivedUnixSeconds, rejections),
  )
  if (rows.spanCount === 0 && rows.rejectedSpans > 0) throw new OtlpError('bad-field', rows.rejectReason)
  return rows
}

/** Runs `transcodeZipkinInSteps` without pausing. */
export function transcodeZipkin(body: Uint8Array, receivedUnixSeconds: number): TraceRows {
  return runSteps(transcodeZipkinInSteps(body, receivedUnixSeconds))
}
