import type { MetricSeries, MetricSeriesResponse } from '@spanlink/api-schema'
import type { HeatmapGrid } from '../traces/heatmap/heatmap-grid.ts'
import { finite, seriesName } from './metric-text.ts'

/** The buckets of one group over time. */
export interface BucketGroup {
  /** Text of the group's labels; empty if the metric is not grouped. */
  readonly name: string
  /** Upper bounds of the rows, lowest first. */
  readonly bounds: readonly number[]
  readonly grid: HeatmapGrid
}

/**
 * Bucket series by group, the group with the most values first. All groups share one colour scale.
 */
export function bucketGroups(response: MetricSeriesResponse): readonly BucketGroup[] {
  const labelsOf = ({ labels }: MetricSeries) => labels.filter(({ key }) => key !== 'le')
  const groups = [...Map.groupBy(response.series, (series) => JSON.stringify(labelsOf(series))).values()]
  const max = response.series
    .flatMap(({ values }) => values)
    .reduce<number>((largest, value) => Math.max(largest, finite(value) ?? 0), Number.MIN_VALUE)
  return groups
    .map((series) => {
      const [first] = series
      const labels = first === undefined ? [] : labelsOf(first)
      const name = first === undefined || labels.length === 0 ? '' : seriesName({ ...first, labels }, response)
      return toBucketGroup(name, series, response, max)
    })
    .toSorted((a, b) => b.grid.total - a.grid.total)
}

function toBucketGroup(
  name: string,
  series: readonly MetricSeries[],
  { startTimeUnixNano, stepNano }: MetricSeriesResponse,
  max: number,
): BucketGroup {
  const sorted = series.toSorted((a, b) => parseBound(a) - parseBound(b))
  const cells = sorted.flatMap(({ values }, row) =>
    values.flatMap((value, column) => {
      const count = finite(value) ?? 0
      return count > 0 ? [{ column, row, count }] : []
    }),
  )
  return {
    name,
    bounds: sorted.map(parseBound),
    grid: {
      start: BigInt(startTimeUnixNano),
      step: BigInt(stepNano),
      columns: Math.max(1, sorted[0]?.values.length ?? 1),
      rows: Math.max(1, sorted.length),
      from: 0,
      to: 0,
      total: cells.reduce((sum, { count }) => sum + count, 0),
      max,
      cells,
    },
  }
}

function parseBound({ labels }: MetricSeries): number {
  const le = labels.find(({ key }) => key === 'le')?.value ?? ''
  return /inf/i.test(le) ? Number.POSITIVE_INFINITY : Number(le)
}
