import type { Store } from '../../../clickhouse/store.ts'
import { countMissingParts } from '../../../query/sql/missing-parts.ts'
import { parsePartialCondition } from '../../../traceql/analyze/span-condition.ts'
import { searchTraceQL } from '../../../traceql/execute/search-traceql.ts'
import { limits } from '../../../traceql/limits.ts'
import { DEFAULT_EXEMPLARS } from '../../../traceql/metrics/exemplars.ts'
import { alignToStep } from '../../../traceql/metrics/intervals.ts'
import { executeMetricsQuery } from '../../../traceql/metrics/metrics.ts'
import type { Series } from '../../../traceql/metrics/series.ts'
import { getText, type TextQuery } from '../query.ts'
import { toWarnings } from '../warnings.ts'
import type {
  InstantSeries,
  RangeSeries,
  SearchMetrics,
  SearchResponse,
  SeriesResponse,
  TagScope,
  TagValue,
  TempoTrace,
} from './tempo-messages.ts'
import { parseLimit, parseStep, parseTempoWindow, toSearchQuery } from './tempo-parameters.ts'
import { toTempoTrace } from './tempo-search.ts'
import { toInstantSeries, toRangeSeries } from './tempo-series.ts'
import { findTempoScopes, findTempoTagValues } from './tempo-tags.ts'

// The queries of Tempo's APIs over HTTP and gRPC. Parameters are those of HTTP.

const STEPS = 120n
const NAMES = 1000
const TRACES = 1000
/** Resolution of the progress of a search. */
const PROGRESS_STEPS = 100n

export type QueryOptions = { readonly signal: AbortSignal }

/** For messages without a field for warnings. */
export type WithWarnings<Found> = { readonly found: readonly Found[]; readonly warnings: readonly string[] }

export type OnPartialSearch = (traces: readonly TempoTrace[], metrics: SearchMetrics) => void

/** @param onPartial called during the search with further traces of the result, in its order */
export async function searchTempo(
  store: Store,
  query: TextQuery,
  { signal }: QueryOptions,
  onPartial?: OnPartialSearch,
): Promise<SearchResponse> {
  const text = toSearchQuery(query)
  const window = parseTempoWindow(query)
  let inspectedTraces = 0
  const { traces: found, scanned } = await searchTraceQL(store, text, {
    ...window,
    limit: parseLimit(query, 'limit', 20, TRACES),
    spansPerSpanset: parseLimit(query, 'spss', 3, 100),
    signal,
    ...(onPartial && {
      onProgress: ({ traces, scannedUntil }) => {
        inspectedTraces += traces.length
        const jobs = { completedJobs: countSteps(window, scannedUntil), totalJobs: Number(PROGRESS_STEPS) }
        onPartial(
          traces.map((trace) => toTempoTrace(trace, text)),
          { inspectedTraces, ...jobs },
        )
      },
    }),
  })
  // Tempo reports a partial search as jobs that are not completed.
  const isPartial =
    scanned.until !== undefined || scanned.isCut === true || countMissingParts(store, 'traces', window.start) > 0
  const jobs = { completedJobs: 1, totalJobs: isPartial ? 2 : 1 }
  return {
    traces: found.map((trace) => toTempoTrace(trace, text)),
    metrics: { inspectedTraces: found.length, ...jobs },
  }
}

/** How much of a window was searched, newest first; never all of it while the search goes on. */
function countSteps({ start, end }: { readonly start: bigint; readonly end: bigint }, until: bigint | undefined) {
  if (until === undefined || until >= end) return 0
  const steps = until <= start ? PROGRESS_STEPS : ((end - until) * PROGRESS_STEPS) / (end - start)
  return Number(steps < PROGRESS_STEPS ? steps : PROGRESS_STEPS - 1n)
}

export async function findTags(
  store: Store,
  query: TextQuery,
  { signal }: QueryOptions,
): Promise<WithWarnings<TagScope>> {
  const found = await findTempoScopes(store, getText(query, 'scope'), { ...parseNames(query), signal })
  return { found, warnings: warnOfMissingParts(store, query, 'names') }
}

/** The names of all scopes, as version 1 of the API returns them. */
export function listTagNames(scopes: readonly TagScope[]): readonly string[] {
  return [...new Set(scopes.flatMap(({ tags }) => tags))]
}

export async function findTagValues(
  store: Store,
  tag: string,
  query: TextQuery,
  { signal }: QueryOptions,
): Promise<WithWarnings<TagValue>> {
  const found = await findTempoTagValues(store, tag, { ...parseNames(query), signal })
  return { found, warnings: warnOfMissingParts(store, query, 'values') }
}

/** Version 1 of the API names tags without a scope. */
export function toScopedTag(tag: string): string {
  const isBare = /^[^.:]+\..*$/.test(tag) && !/^(span|resource|event|link|instrumentation|parent)\./.test(tag)
  return isBare ? `.${tag}` : tag
}

function parseNames(query: TextQuery) {
  return {
    ...parseTempoWindow(query),
    limit: parseLimit(query, 'limit', NAMES, NAMES),
    condition: parsePartialCondition(getText(query, 'q') ?? ''),
  }
}

function warnOfMissingParts(store: Store, query: TextQuery, what: string): readonly string[] {
  return toWarnings(countMissingParts(store, 'traces', parseTempoWindow(query).start), what)
}

export async function queryRange(
  store: Store,
  query: TextQuery,
  { signal }: QueryOptions,
): Promise<SeriesResponse<RangeSeries>> {
  const { start, end } = parseMetricsWindow(query)
  const min = (end - start) / BigInt(limits.points) + 1n
  const usual = (end - start) / STEPS > min ? (end - start) / STEPS : min
  const step = parseStep(query) ?? usual
  // Without a number, or with 0, Tempo returns its default number of exemplars. Only a query hint
  // disables them.
  const exemplars = parseLimit(query, 'exemplars', DEFAULT_EXEMPLARS, DEFAULT_EXEMPLARS)
  const range = { ...alignToStep({ start, end }, step), step, exemplars, signal }
  return await findSeries(store, query, start, range, toRangeSeries)
}

export async function queryInstant(
  store: Store,
  query: TextQuery,
  { signal }: QueryOptions,
): Promise<SeriesResponse<InstantSeries>> {
  const { start, end } = parseMetricsWindow(query)
  return await findSeries(store, query, start, { start, end, step: end - start, signal }, toInstantSeries)
}

function parseMetricsWindow(query: TextQuery): { readonly start: bigint; readonly end: bigint } {
  const now = BigInt(Date.now()) * 1_000_000n
  const given = parseTempoWindow({ ...query, end: getText(query, 'end') ?? String(now) })
  return getText(query, 'start') === undefined ? { ...given, start: given.end - 3_600_000_000_000n } : given
}

async function findSeries<Converted>(
  store: Store,
  query: TextQuery,
  start: bigint,
  options: Parameters<typeof executeMetricsQuery>[2],
  convert: (series: readonly Series[]) => readonly Converted[],
): Promise<SeriesResponse<Converted>> {
  const { series, warnings } = await executeMetricsQuery(store, getText(query, 'q') ?? '', options)
  const lost = toWarnings(countMissingParts(store, 'traces', start), 'spans')
  return { series: convert(series), metrics: {}, ...toPartialStatus([...warnings, ...lost]) }
}

export function toPartialStatus(warnings: readonly string[]): {
  readonly status?: 'PARTIAL'
  readonly message?: string
} {
  return warnings.length === 0 ? {} : { status: 'PARTIAL', message: warnings.join(' ') }
}
