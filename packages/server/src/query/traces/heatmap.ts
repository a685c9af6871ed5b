import type { HeatmapResponse, HeatmapQuery } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { convertFiltersToTraceQL } from './filters-to-traceql.ts'
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
      return points.flatMap(({ timeUnixNano, value }) =>
        value > 0
          ? [
              {
                column: Number((BigInt(timeUnixNano) - start) / step),
                fromNano: to / 2,
                toNano: to,
                count: Math.round(value),
              },
            ]
          : [],
      )
    }),
    warnings: [...warnings],
    ...toSearchedRange({ start, end, hasDefaultEnd: false }, scanned),
  }
}
