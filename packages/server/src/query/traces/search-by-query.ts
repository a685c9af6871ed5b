import type { FoundTrace, MatchedSpans, TracesResponse, TracesQuery } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { InvalidParameterError } from '../sql/invalid-parameter.ts'
import { toSearchedRange } from '../sql/searched-range.ts'
import { getDefaultEnd, parseUnixNano } from '../sql/time-parameters.ts'
import { searchTraceQL } from '../../traceql/execute/search-traceql.ts'

const singleFilters = ['service', 'operation', 'minDuration', 'maxDuration', 'status'] as const

/** Searches with `q` of the traces endpoint. */
export async function searchByQuery(
  store: Store,
  text: string,
  query: TracesQuery,
  options: QueryOptions,
): Promise<TracesResponse> {
  const other = singleFilters.find((name) => query[name] !== undefined)
  if (other !== undefined) {
    throw new InvalidParameterError(other, `${other} can't be combined with q: write it into the query.`)
  }
  const limit = query.limit ?? 50
  const { cursor } = query
  const search = { ...parseTimeRange(query), ...options, limit, ...(cursor === undefined ? {} : { cursor }) }
  const { traces, nextCursor, warnings, scanned } = await searchTraceQL(store, text, search)
  return {
    traces: traces.map(toFoundTrace),
    ...toSearchedRange({ ...parseTimeRange(query), hasDefaultEnd: query.end === undefined }, scanned),
    ...(nextCursor === undefined ? {} : { nextCursor, hasMore: true as const }),
    ...(warnings.length > 0 ? { warnings: [...warnings] } : {}),
  }
}

/** Returns `[start, end)`. Defaults are 0 and `getDefaultEnd`. */
export function parseTimeRange(query: { readonly start?: string; readonly end?: string }): {
  readonly start: bigint
  readonly end: bigint
} {
  const start = query.start === undefined ? 0n : parseUnixNano('start', query.start)
  const end = query.end === undefined ? getDefaultEnd(start) : parseUnixNano('end', query.end)
  if (end <= start) throw new InvalidParameterError('start', 'invalid start: expected a time before end')
  return { start, end }
}

type Found = Awaited<ReturnType<typeof searchTraceQL>>['traces'][number]

function toFoundTrace({ summary, spansets }: Found): FoundTrace {
  return {
    ...summary,
    matches: spansets.map((set): MatchedSpans => ({
      matched: set.matched,
      group: set.group.map(({ field, value }) => ({ field, value })),
      spans: set.spans.map((span) => ({
        spanId: span.spanId,
        service: span.service,
        name: span.name,
        status: span.status === 'ok' || span.status === 'error' ? span.status : 'unset',
        startTimeUnixNano: span.startTimeUnixNano,
        durationNano: span.durationNanos,
        attributes: span.attributes.map(({ field, value }) => ({ field, value })),
      })),
    })),
  }
}
