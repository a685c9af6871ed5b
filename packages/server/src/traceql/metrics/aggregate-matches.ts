import type { MetricsAggregate } from '../syntax/ast.ts'
import { describeField } from '../syntax/describe.ts'
import { aggregateNumbers } from '../evaluate/pipeline.ts'
import { findMatches, candidateLimitWarning, type Match } from '../execute/find-matches.ts'
import { limits } from '../limits.ts'
import type { Intervals } from './intervals.ts'
import { type Labels, toLabel, toNumberLabel } from './labels.ts'
import {
  type AggregateRequest,
  addExemplarsToLevels,
  fillZeros,
  isCount,
  getScale,
  getUnitScale,
} from './aggregate-in-clickhouse.ts'
import { checkSeriesCount, type RawExemplar, type RawSeries } from './series.ts'
import { planPipeline } from '../analyze/plan.ts'
import type { Search } from '../execute/search.ts'

/**
 * Aggregates what needs whole traces: structure, links, pipelines. Finds traces as a search does,
 * at most `limits.candidateTraces`, and aggregates their matching spans here.
 */
export async function aggregateMatches(search: Search, request: AggregateRequest): Promise<readonly RawSeries[]> {
  const { metrics, intervals } = request
  const { fn, field, by, quantiles } = metrics
  const plan = planPipeline(metrics.source, { numbers: field ? [field] : [], labels: by })
  const scope = { window: search.window, within: undefined }
  const groups = new Map<string, Group>()
  const labelColumns = by.map((each) => plan.getLabelIndex(each))
  const addMatch = ({ rows, spansets }: Match): void => {
    const column = field ? rows.numbers[plan.getNumberIndex(field)] : undefined
    for (const at of listMembers(spansets.map((spanset) => spanset.members))) {
      const span = rows.spans[at]
      const interval = span && findInterval(span.start, intervals)
      const value = field ? column?.[at] : 1
      if (span === undefined || interval === undefined || value === undefined) continue
      const labels: Labels = {
        ...Object.fromEntries(
          by.map((each, index) => [describeField(each), toLabel(rows.labels[labelColumns[index] ?? -1]?.[at])]),
        ),
        ...(fn === 'histogram_over_time' && {
          __bucket: toNumberLabel((value > 0 ? 2 ** Math.ceil(Math.log2(value)) : 0) * getUnitScale(field)),
        }),
      }
      const name = JSON.stringify(labels)
      const group = groups.get(name) ?? { labels, values: new Map<number, GroupValue[]>() }
      const values = group.values.get(interval) ?? []
      values.push({ value, traceId: rows.traceId, spanId: span.spanId, start: span.start })
      group.values.set(interval, values)
      groups.set(name, group)
    }
  }
  const { rest } = await findMatches(search, plan, scope, limits.candidateTraces, addMatch)
  if (rest) {
    search.warnings.add(candidateLimitWarning)
    search.scannedUntil = rest.newest > 0n ? rest.newest : search.window.end
  }
  checkSeriesCount(groups.size * Math.max(1, quantiles.length))
  const raw = [...groups.values()].flatMap((group) => toRawSeries(group, request))
  return fillZeros(raw, metrics, intervals)
}

type GroupValue = {
  readonly value: number
  readonly traceId: string
  readonly spanId: string
  readonly start: bigint
}

/** Spans with the same labels, by interval. */
type Group = { readonly labels: Labels; readonly values: Map<number, GroupValue[]> }

function toRawSeries({ labels, values }: Group, request: AggregateRequest): readonly RawSeries[] {
  const { metrics, intervals, withExemplars } = request
  const { fn, quantiles } = metrics
  const levels = fn === 'quantile_over_time' ? quantiles : [undefined]
  const series = levels.map((level) => ({
    level,
    labels: level === undefined ? labels : { ...labels, p: toNumberLabel(level) },
    points: [] as { at: number; value: number }[],
    exemplars: [] as RawExemplar[],
  }))
  for (const [at, spans] of [...values].sort(([a], [b]) => a - b)) {
    const numbers = spans.map(({ value }) => value)
    const scale = fn === 'histogram_over_time' ? 1 : getScale(metrics, intervals, at)
    const reached = series.map((of) => {
      const value = aggregateValues(fn, numbers, of.level) * scale
      of.points.push({ at, value })
      return { of, value }
    })
    if (withExemplars) addExemplarsToLevels(reached, pickExemplars(spans, at, metrics))
  }
  return series
}

function pickExemplars(
  spans: readonly GroupValue[],
  at: number,
  { fn, field }: MetricsAggregate,
): readonly RawExemplar[] {
  const [first, ...others] = spans
  if (!first) return []
  const min = others.reduce((best, each) => (each.value < best.value ? each : best), first)
  const max = others.reduce((best, each) => (each.value > best.value ? each : best), first)
  const shown = { min_over_time: [min], max_over_time: [max], quantile_over_time: [first, max] }
  return (fn in shown ? shown[fn as keyof typeof shown] : [first]).map(({ traceId, spanId, start, value }) => ({
    at,
    traceId,
    spanId,
    timeUnixNano: String(start),
    value: isCount(fn) ? undefined : value * getUnitScale(field),
  }))
}

function aggregateValues(fn: MetricsAggregate['fn'], values: readonly number[], level = 0): number {
  if (isCount(fn)) return values.length
  if (fn === 'quantile_over_time')
    return values.toSorted((a, b) => a - b)[Math.floor(level * (values.length - 1))] ?? Number.NaN
  return aggregateNumbers(fn.replace('_over_time', ''), values)
}

function findInterval(start: bigint, intervals: Intervals): number | undefined {
  if (start < intervals.start || start >= intervals.end) return undefined
  return Number((start - intervals.start) / intervals.step)
}

/** Spans in any of the spansets, each once. */
function listMembers(spansets: readonly Uint8Array[]): readonly number[] {
  const members = new Set<number>()
  for (const spanset of spansets) for (const [at, member] of spanset.entries()) if (member) members.add(at)
  return [...members]
}
