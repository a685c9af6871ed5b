import type { HeatmapResponse, HeatmapQuery } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { parseDuration } from '../sql/time-parameters.ts'
import { toSearchedRange } from '../sql/searched-range.ts'
import { parseTimeRange } from './search-by-query.ts'
import { executeMetricsQuery } from '../../traceql/metrics/metrics.ts'

/** Root spans: the duration of a trace is that of its root. */
const ROOTS = '{ nestedSetParent < 0 }'

/**
 * Counts spans by start and duration, in buckets of histogram_over_time: powers of two.
 */
export async function findHeatmap(store: Store, query: HeatmapQuery, options: QueryOptions): Promise<HeatmapResponse> {
  const { start, end } = parseTimeRange(query)
  const columns = BigInt(query.columns ?? 120)
  const step = (end - start + columns - 1n) / columns
  const text = `${convertFiltersToTraceQL(query) ?? ROOTS} | histogram_over_time(duration)`
  const { series, warnings, scanned } = await executeMetricsQuery(store, text, { start, end, step, ...options })
  return {
    startTimeUnixNano: String(start),
    stepNano: String(step),
    columns: Number((end - start + step - 1n) / step),
    cells: series.flatMap(({ labels, points }) => {
      const to = Number(labels['__bucket']?.text ?? 0) * 1e9
      return points
        .filter(({ value }) => value > 0)
        .map(({ timeUnixNano, value }) => ({
          column: Number((BigInt(timeUnixNano) - start) / step),
          fromNano: to / 2,
          toNano: to,
          count: Math.round(value),
        }))
    }),
    warnings: [...warnings],
    ...toSearchedRange({ start, end, hasDefaultEnd: false }, scanned),
  }
}

/**
 * Converts a request's `q` or its single filters to TraceQL; undefined when it has neither.
 */
function convertFiltersToTraceQL(filters: HeatmapQuery): string | undefined {
  if (filters.q !== undefined) return filters.q
  const conditions: string[] = []
  if (filters.service !== undefined) conditions.push(`resource.service.name = ${JSON.stringify(filters.service)}`)
  if (filters.operation !== undefined) conditions.push(`name = ${JSON.stringify(filters.operation)}`)
  if (filters.minDuration !== undefined)
    conditions.push(`duration >= ${parseDuration('minDuration', filters.minDuration)}ns`)
  if (filters.maxDuration !== undefined)
    conditions.push(`duration <= ${parseDuration('maxDuration', filters.maxDuration)}ns`)
  if (filters.status !== undefined) conditions.push(`status = ${filters.status}`)
  return conditions.length === 0 ? undefined : `{ ${conditions.join(' && ')} }`
}
