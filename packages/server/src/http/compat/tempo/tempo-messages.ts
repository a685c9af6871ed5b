import type { AnyValue, KeyValue } from '@spanlink/api-schema'

/**
 * Messages of `tempopb` (https://github.com/grafana/tempo/blob/main/pkg/tempopb/tempo.proto) in
 * JSON: 64-bit numbers are strings. Grafana rejects unknown fields, so none may be added.
 */
export type SearchResponse = { readonly traces: readonly TempoTrace[]; readonly metrics: SearchMetrics }

export type SearchMetrics = {
  readonly inspectedTraces: number
  readonly completedJobs: number
  readonly totalJobs: number
}

/** `TraceSearchMetadata` */
export type TempoTrace = {
  readonly traceID: string
  readonly rootServiceName: string
  readonly rootTraceName: string
  readonly startTimeUnixNano: string
  readonly durationMs: number
  readonly spanSets: readonly TempoSpanSet[]
  readonly serviceStats: Readonly<Record<string, { readonly spanCount: number; readonly errorCount: number }>>
}

export type TempoSpanSet = {
  readonly spans: readonly TempoSpan[]
  readonly matched: number
  readonly attributes?: readonly KeyValue[]
}

export type TempoSpan = {
  readonly spanID: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly durationNanos: string
  readonly attributes: readonly KeyValue[]
}

/** `SearchTagsV2Scope` */
export type TagScope = { readonly name: string; readonly tags: readonly string[] }

export type TagValue = { readonly type: 'string' | 'int' | 'float' | 'bool' | 'keyword'; readonly value: string }

/** `TimeSeries` */
export type RangeSeries = {
  readonly labels: readonly TempoLabel[]
  readonly samples: readonly { readonly timestampMs: string; readonly value: number }[]
  readonly exemplars?: readonly TempoExemplar[]
}

export type InstantSeries = { readonly labels: readonly TempoLabel[]; readonly value: number }

type TempoLabel = { readonly key: string; readonly value: AnyValue }

export type TempoExemplar = {
  readonly labels: readonly TempoLabel[]
  readonly value: number | undefined
  readonly timestampMs: string
}

/** `QueryRangeResponse`, `QueryInstantResponse` */
export type SeriesResponse<Series> = {
  readonly series: readonly Series[]
  readonly metrics: object
  /** COMPLETE is the default and omitted: older Grafana versions reject the field. */
  readonly status?: 'PARTIAL'
  readonly message?: string
}
