import type { MetricsAggregate } from './ast.ts'
import { describeField } from './describe.ts'
import { TraceQLError } from './errors.ts'
import { findMatches } from './find.ts'
import { limits } from './limits.ts'
import { fillZeros, scaleOf, secondsOf } from './metrics-in-engine.ts'
import type { Intervals } from './metrics.ts'
import type { RawSeries } from './metrics-series.ts'
import { planPipeline } from './plan.ts'
import type { Search } from './search.ts'

/**
 * Metrics of what takes whole traces to find: structure, links, pipelines. Traces are found as in a search, the newest
 * ten thousand at most, and their matching spans counted here.
 */
export async function aggregateMatches(
  search: Search,
  metrics: MetricsAggregate,
  intervals: Intervals,
): Promise<readonly RawSeries[]> {
  const { fn, field, by, quantiles } = metrics
  const plan = planPipeline(metrics.source, { numbers: field ? [field] : [], labels: by })
  const scope = { window: search.window, within: undefined }
  const matches = await findMatches(search, plan, scope, limits.candidateTraces)
  const series = new Map<string, { labels: Record<string, string | null>; values: Map<number, number[]> }>()
  const labelColumns = by.map((each) => plan.labelOf(each))
  for (const { rows, spansets } of matches) {
    const column = field ? rows.numbers[plan.numberOf(field)] : undefined
    for (const at of membersOf(spansets.map((spanset) => spanset.members))) {
      const interval = intervalOf(rows.starts[at] ?? 0n, intervals)
      const value = field ? column?.[at] : 1
      if (interval === undefined || value === null || value === undefined) continue
      const labels: Record<string, string | null> = {}
      for (const [index, each] of by.entries())
        labels[describeField(each)] = rows.labels[labelColumns[index] ?? -1]?.[at] ?? null
      if (fn === 'histogram_over_time')
        labels['__bucket'] = String((value > 0 ? 2 ** Math.ceil(Math.log2(value)) : 0) * secondsOf(field))
      const name = JSON.stringify(labels)
      const known = series.get(name) ?? { labels, values: new Map<number, number[]>() }
      const values = known.values.get(interval)
      if (values) values.push(value)
      else known.values.set(interval, [value])
      series.set(name, known)
    }
  }
  if (series.size * Math.max(1, quantiles.length) > limits.series) {
    throw new TraceQLError(
      'limit',
      `The answer has more than ${limits.series} series: group by fewer fields, or ones with fewer values.`,
    )
  }
  const scale = fn === 'histogram_over_time' ? 1 : scaleOf({ fn, step: intervals.step, field })
  const levels = fn === 'quantile_over_time' ? quantiles : [undefined]
  const raw = [...series.values()].flatMap(({ labels, values }) =>
    levels.map((level) => ({
      labels: level === undefined ? labels : { ...labels, p: String(level) },
      points: [...values]
        .map(([at, list]) => ({ at, value: reduce(fn, list, level) * scale }))
        .sort((a, b) => a.at - b.at),
    })),
  )
  return fillZeros(raw, { fn, by, count: intervals.count })
}

function reduce(fn: MetricsAggregate['fn'], values: readonly number[], level = 0): number {
  const sum = (): number => values.reduce((total, value) => total + value, 0)
  switch (fn) {
    case 'rate':
    case 'count_over_time':
    case 'histogram_over_time':
      return values.length
    case 'sum_over_time':
      return sum()
    case 'avg_over_time':
      return sum() / values.length
    case 'min_over_time':
      return values.reduce((least, value) => Math.min(least, value))
    case 'max_over_time':
      return values.reduce((most, value) => Math.max(most, value))
    case 'quantile_over_time':
      return values.toSorted((a, b) => a - b)[Math.floor(level * (values.length - 1))] ?? Number.NaN
  }
}

function intervalOf(start: bigint, intervals: Intervals): number | undefined {
  if (start < intervals.start || start >= intervals.end) return undefined
  return Number((start - intervals.start) / intervals.step)
}

/** Spans in any of the spansets, each once. */
function membersOf(spansets: readonly Uint8Array[]): readonly number[] {
  const members = new Set<number>()
  for (const spanset of spansets) for (const [at, member] of spanset.entries()) if (member) members.add(at)
  return [...members]
}
