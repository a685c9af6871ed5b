import { OtlpError } from '../error.ts'
import { transcodeByProtobuf } from '../json/transcode-json.ts'
import { ParentWriter } from '../json/parent.ts'
import type { Redactor } from '../redact/redactor.ts'
import type { SignalRows } from '../rows.ts'
import type { Steps } from '../steps.ts'
import { transcodeTraces } from '../trace/transcode-traces.ts'
import { ZipkinSpanWriter } from './zipkin-span.ts'

const transcodeSpans = transcodeByProtobuf(
  'span',
  transcodeTraces,
  function* write(json, protobuf, rejections, redactor) {
    const spans = new ZipkinSpanWriter(json, protobuf, redactor)
    yield* new ParentWriter(json, protobuf, rejections).writeItems('the body', () => spans.write())
    json.atEnd()
  },
)

/**
 * Converts Zipkin v2 JSON (https://zipkin.io/zipkin-api/#/default/post_spans) to rows: rewrites it
 * as OTLP, by the inverse of https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/.
 * See `ZipkinSpanWriter`.
 *
 * @throws OtlpError when the bytes are no list of spans, or no span can be stored
 */
export function* transcodeZipkin(
  body: Uint8Array,
  receivedUnixSeconds: number,
  redactor?: Redactor,
): Steps<SignalRows> {
  const rows = yield* transcodeSpans(body, receivedUnixSeconds, redactor)
  if (rows.accepted === 0 && rows.rejected > 0) throw new OtlpError('bad-field', rows.rejectReason)
  return rows
}
