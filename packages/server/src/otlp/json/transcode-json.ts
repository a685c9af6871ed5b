import { isUtf8 } from 'node:buffer'
import { OtlpError } from '../error.ts'
import { type Parent, ParentWriter } from './parent.ts'
import { JsonReader } from './reader.ts'
import { LOGS, METRICS, TRACES } from './requests.ts'
import { Rejections } from '../rejections.ts'
import type { Redactor } from '../redact/redactor.ts'
import { RowWriter } from '../row-writer.ts'
import type { Steps } from '../steps.ts'
import { transcodeTraces } from '../trace/transcode-traces.ts'
import { transcodeLogs } from '../log/transcode-logs.ts'
import { transcodeMetrics } from '../metric/transcode-metrics.ts'
import type { Transcode } from '../wire/envelope.ts'

/** Buffer that is reused by the next request. */
let idle: RowWriter | undefined

export const transcodeTracesJson = createJsonTranscoder('span', TRACES, transcodeTraces)
export const transcodeLogsJson = createJsonTranscoder('log record', LOGS, transcodeLogs)
export const transcodeMetricsJson = createJsonTranscoder('point', METRICS, transcodeMetrics)

function createJsonTranscoder(item: string, request: Parent, transcode: Transcode): Transcode {
  return transcodeByProtobuf(item, transcode, (json, protobuf, rejections) =>
    writeProtobuf(json, protobuf, request, rejections),
  )
}

/**
 * Creates the decoder of a JSON body: `write` rewrites it as protobuf, token by token. Both
 * encodings therefore give the same rows and source ids, and members may come in any order.
 */
export function transcodeByProtobuf(
  item: string,
  transcode: Transcode,
  write: (json: JsonReader, protobuf: RowWriter, rejections: Rejections, redactor?: Redactor) => Steps<void>,
): Transcode {
  return function* transcodeJson(body, receivedUnixSeconds, redactor, rejections = new Rejections(item)) {
    const protobuf = idle ?? new RowWriter()
    idle = undefined
    try {
      yield* write(openJson(body, redactor), protobuf, rejections, redactor)
      const request = protobuf.bytes.subarray(0, protobuf.pos)
      const rows = transcode(request, receivedUnixSeconds, redactor, rejections)
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
}

/** Rewrites a complete body as protobuf. */
export function* writeProtobuf(json: JsonReader, out: RowWriter, request: Parent, rejections: Rejections): Steps<void> {
  yield* new ParentWriter(json, out, rejections).write(request)
  json.atEnd()
}

/**
 * @param redactor keeps values out of error messages, which are logged
 * @throws OtlpError when the bytes are not UTF-8
 */
export function openJson(body: Uint8Array, redactor?: Redactor): JsonReader {
  if (!isUtf8(body)) throw new OtlpError('bad-json', 'body is not UTF-8, which JSON must be')
  return new JsonReader(body, redactor !== undefined)
}
