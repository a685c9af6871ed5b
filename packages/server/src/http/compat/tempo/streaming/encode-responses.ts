import { encodeBytesField, encodeDoubleField, encodeMessageField } from '../../../../otlp/wire/protobuf-fields.ts'
import { encodeAttributes, encodeNumber, encodeText } from '../encode-otlp.ts'
import type {
  InstantSeries,
  RangeSeries,
  SearchMetrics,
  SeriesResponse,
  TagScope,
  TagValue,
  TempoExemplar,
  TempoSpanSet,
  TempoTrace,
} from '../tempo-messages.ts'

// Field numbers: https://github.com/grafana/tempo/blob/main/pkg/tempopb/tempo.proto

/** Clients in Go accept messages up to 4 MiB by default. */
const MAX_MESSAGE_BYTES = 1024 * 1024
/** Grafana shows the last message of an instant query only, so it is divided at the latest. */
const MAX_INSTANT_BYTES = 4 * 1024 * 1024 - 1024

/** `SearchResponse`: one message or, above 1 MiB, several. */
export function encodeSearchResponses(traces: readonly TempoTrace[], metrics: SearchMetrics): readonly Buffer[] {
  return split(traces.map(encodeTrace), encodeMessageField(2, encodeMetrics(metrics)))
}

/** `SearchTagsResponse` */
export function encodeTagNames(names: readonly string[]): readonly Buffer[] {
  return split(names.map((name) => encodeBytesField(1, name)))
}

/** `SearchTagsV2Response`: scopes may be in several messages. */
export function encodeScopes(scopes: readonly TagScope[]): readonly Buffer[] {
  return split(
    scopes.flatMap(({ name, tags }) =>
      split(tags.map((tag) => encodeBytesField(2, tag))).map((part) =>
        encodeMessageField(1, [encodeBytesField(1, name), part]),
      ),
    ),
  )
}

/** `SearchTagValuesResponse` */
export function encodeTagTexts(values: readonly TagValue[]): readonly Buffer[] {
  return split(values.map(({ value }) => encodeBytesField(1, value)))
}

/** `SearchTagValuesV2Response` */
export function encodeTagValues(values: readonly TagValue[]): readonly Buffer[] {
  return split(
    values.map(({ type, value }) => encodeMessageField(1, [encodeBytesField(1, type), encodeBytesField(2, value)])),
  )
}

/** `QueryRangeResponse` */
export function encodeRange({ series, ...rest }: SeriesResponse<RangeSeries>): readonly Buffer[] {
  return split(series.map(encodeRangeSeries), encodeStatus(rest))
}

/** `QueryInstantResponse` */
export function encodeInstant({ series, ...rest }: SeriesResponse<InstantSeries>): readonly Buffer[] {
  const encoded = series.map(({ labels, value }) =>
    encodeMessageField(1, [...encodeAttributes(1, labels), encodeDoubleField(2, value)]),
  )
  return split(encoded, encodeStatus(rest), MAX_INSTANT_BYTES)
}

function encodeTrace(trace: TempoTrace): Buffer {
  return encodeMessageField(1, [
    encodeText(1, trace.traceID),
    encodeText(2, trace.rootServiceName),
    encodeText(3, trace.rootTraceName),
    encodeNumber(4, BigInt(trace.startTimeUnixNano)),
    encodeNumber(5, trace.durationMs),
    ...trace.spanSets.map(encodeSpanSet),
    ...Object.entries(trace.serviceStats).map(([service, { spanCount, errorCount }]) =>
      encodeMessageField(8, [
        encodeText(1, service),
        encodeMessageField(2, [encodeNumber(1, spanCount), encodeNumber(2, errorCount)]),
      ]),
    ),
  ])
}

function encodeSpanSet({ spans, matched, attributes = [] }: TempoSpanSet): Buffer {
  return encodeMessageField(7, [
    ...spans.map((span) =>
      encodeMessageField(1, [
        encodeText(1, span.spanID),
        encodeText(2, span.name),
        encodeNumber(3, BigInt(span.startTimeUnixNano)),
        encodeNumber(4, BigInt(span.durationNanos)),
        ...encodeAttributes(5, span.attributes),
      ]),
    ),
    encodeNumber(2, matched),
    ...encodeAttributes(3, attributes),
  ])
}

function encodeMetrics({ inspectedTraces, completedJobs, totalJobs }: SearchMetrics): readonly Buffer[] {
  return [encodeNumber(1, inspectedTraces), encodeNumber(4, completedJobs), encodeNumber(5, totalJobs)]
}

function encodeRangeSeries({ labels, samples, exemplars = [] }: RangeSeries): Buffer {
  return encodeMessageField(1, [
    ...encodeAttributes(1, labels),
    ...samples.map(({ timestampMs, value }) =>
      encodeMessageField(2, [encodeDoubleField(1, value), encodeNumber(2, BigInt(timestampMs))]),
    ),
    ...exemplars.map(encodeExemplar),
  ])
}

function encodeExemplar({ labels, value = 0, timestampMs }: TempoExemplar): Buffer {
  return encodeMessageField(4, [
    ...encodeAttributes(1, labels),
    encodeDoubleField(2, value),
    encodeNumber(3, BigInt(timestampMs)),
  ])
}

/** metrics (2, empty), status (3) and message (4) */
function encodeStatus({ status, message }: Pick<SeriesResponse<never>, 'status' | 'message'>): Buffer {
  return Buffer.concat([
    encodeMessageField(2, []),
    encodeNumber(3, status === 'PARTIAL' ? 1 : 0),
    encodeText(4, message),
  ])
}

/** Spreads elements of a repeated field over messages, each with the `common` fields. */
function split(
  elements: readonly Buffer[],
  common: Buffer = Buffer.alloc(0),
  maxBytes = MAX_MESSAGE_BYTES,
): readonly Buffer[] {
  const messages: Buffer[][] = []
  let size = Infinity
  for (const element of elements) {
    if (size + element.length > maxBytes) {
      messages.push([])
      size = common.length
    }
    messages.at(-1)?.push(element)
    size += element.length
  }
  if (messages.length === 0) return [common]
  return messages.map((parts) => Buffer.concat([...parts, common]))
}
