import { ask, isTooHeavy } from './ask.ts'
import type { Field, MetricsAggregate } from './ast.ts'
import { compileCondition, isDecidedAlone } from './compile/condition.ts'
import { inWindow, spansAlone } from './compile/from.ts'
import { type Need, needsOf } from './compile/needs.ts'
import { createParams } from './compile/params.ts'
import { compileValue } from './compile/value.ts'
import { describeField } from './describe.ts'
import { TraceQLError } from './errors.ts'
import { foldConstants } from './fold.ts'
import { intrinsics } from './intrinsics.ts'
import { limits } from './limits.ts'
import type { Intervals } from './metrics.ts'
import type { RawSeries } from './metrics-series.ts'
import type { Search } from './search.ts'
import { compileText, isServiceName } from './trace-rows.ts'

/** Whether each span decides alone: one filter, and fields of the span's own row or its source. Then SQL does it all. */
export function isForEngine({ source, field, by }: MetricsAggregate): boolean {
  if (source.source.kind !== 'filter' || source.stages.some((stage) => stage.kind !== 'select')) return false
  const needs = new Set<Need>()
  for (const each of [source.source.condition, field, ...by]) if (each) needsOf(each, needs)
  return !['parent', 'trace', 'children', 'tree'].some((need) => needs.has(need as Need))
}

/**
 * One scan of the window, grouped by interval and labels. A span that was sent twice counts once, as long as the ids
 * of all that match fit in memory (some five million); beyond that it counts twice, and the answer says so. Telling
 * them apart in the order of the sort key takes no memory, and four times as long: 4.4 s instead of 1 s for 10M spans.
 */
export async function aggregateInEngine(
  search: Search,
  metrics: MetricsAggregate,
  intervals: Intervals,
): Promise<readonly RawSeries[]> {
  try {
    return await aggregate(search, metrics, intervals, 'limit 1 by s.trace_id, s.span_id')
  } catch (error) {
    if (!isTooHeavy(error)) throw error
    const series = await aggregate(search, metrics, intervals, '')
    search.cuts.add('There are too many spans to tell apart: one that was sent twice counts twice.')
    return series
  }
}

async function aggregate(
  search: Search,
  { source, fn, field, quantiles, by }: MetricsAggregate,
  { start, end, step, count }: Intervals,
  once: string,
): Promise<readonly RawSeries[]> {
  const params = createParams()
  const condition =
    source.source.kind === 'filter' && source.source.condition ? foldConstants(source.source.condition) : undefined
  const linksWhere = `l.start >= ${params.add('UInt64', String(start))} and l.start < ${params.add('UInt64', String(end))}`
  const alone = spansAlone(params, linksWhere)
  const joined = { ...alone, source: 'r' }
  const fields = [...(field ? [field] : []), ...by.filter((each) => !isServiceName(each))]
  const useJoin =
    fields.some((each) => needsOf(each).has('source')) || (condition !== undefined && !isDecidedAlone(condition, alone))
  const row = useJoin ? joined : alone
  const where = [inWindow('s', start, end, params)]
  if (condition)
    where.push(compileCondition(condition, condition && isDecidedAlone(condition, alone) ? alone : row, 'exact'))
  const value = field ? `toFloat64(${compileValue(foldConstants(field), row).number ?? 'null'})` : '1'
  const labels = by.map((each, at) => `${compileText(foldConstants(each), row)} as label${at}`)
  const names = by.map((_, at) => `label${at}`)
  const bucket = fn === 'histogram_over_time' ? ['bucket'] : []
  const groups = ['at', ...names, ...bucket]
  const limit = limits.series * Math.min(count, limits.points) + 1
  const rows = await ask<Raw>(
    search,
    `select at, ${[...names, ...bucket].map((name) => `${name}, `).join('')}${aggregateOf(fn, quantiles)} as result
    from (
      select intDiv(s.start - ${params.add('UInt64', String(start))}, ${params.add('UInt64', String(step))}) as at,
        ${labels.map((label) => `${label}, `).join('')}${value} as value
        ${fn === 'histogram_over_time' ? `, if(value > 0, pow(2, ceil(log2(value))), 0) as bucket` : ''}
      from spans as s ${useJoin ? 'left any join sources as r on r.source_id = s.source_id' : ''}
      where ${where.join(' and ')}
      ${once})
    ${field ? 'where isNotNull(value)' : ''}
    group by ${groups.join(', ')} order by ${groups.join(', ')} limit ${params.add('UInt64', limit)}`,
    params,
  )
  return seriesOf(rows, { fn, quantiles, by, count, step, field })
}

type Raw = {
  readonly at: string
  readonly bucket?: number
  readonly result: number | string | readonly number[]
} & Readonly<Record<string, unknown>>

function aggregateOf(fn: MetricsAggregate['fn'], quantiles: readonly number[]): string {
  switch (fn) {
    case 'rate':
    case 'count_over_time':
    case 'histogram_over_time':
      return 'toFloat64(count())'
    case 'sum_over_time':
      return 'sum(value)'
    case 'min_over_time':
      return 'min(value)'
    case 'max_over_time':
      return 'max(value)'
    case 'avg_over_time':
      return 'avg(value)'
    case 'quantile_over_time':
      // A hundredth off at most, in memory that doesn't grow with the spans; the levels are numbers the parser bounded.
      return `[${quantiles.map((level) => `quantileDD(0.01, ${level})(assumeNotNull(value))`).join(', ')}]`
  }
}

type Shape = Pick<MetricsAggregate, 'fn' | 'quantiles' | 'by' | 'field'> & {
  readonly count: number
  readonly step: bigint
}

function seriesOf(rows: readonly Raw[], shape: Shape): readonly RawSeries[] {
  const { fn, quantiles, by } = shape
  const scale = scaleOf(shape)
  const series = new Map<string, { labels: Record<string, string | null>; points: { at: number; value: number }[] }>()
  const add = (labels: Record<string, string | null>, at: number, value: number): void => {
    const name = JSON.stringify(labels)
    const known = series.get(name)
    if (known) known.points.push({ at, value })
    else series.set(name, { labels, points: [{ at, value }] })
    if (series.size > limits.series) {
      throw new TraceQLError(
        'limit',
        `The answer has more than ${limits.series} series: group by fewer fields, or ones with fewer values.`,
      )
    }
  }
  for (const row of rows) {
    const labels: Record<string, string | null> = {}
    for (const [at, field] of by.entries()) labels[describeField(field)] = textOrNull(row[`label${at}`])
    const at = Number(row.at)
    if (fn === 'quantile_over_time' && Array.isArray(row.result)) {
      for (const [index, level] of quantiles.entries())
        add({ ...labels, p: String(level) }, at, Number(row.result[index]) * scale)
    } else if (fn === 'histogram_over_time') {
      add({ ...labels, __bucket: String(Number(row.bucket) * secondsOf(shape.field)) }, at, Number(row.result))
    } else {
      add(labels, at, Number(row.result) * scale)
    }
  }
  return fillZeros([...series.values()], shape)
}

/** Counting functions know that an empty interval has 0; all others know nothing of it. */
export function fillZeros(
  series: readonly RawSeries[],
  { fn, by, count }: Pick<Shape, 'fn' | 'by' | 'count'>,
): readonly RawSeries[] {
  if (fn !== 'rate' && fn !== 'count_over_time') return series
  const all = series.length === 0 && by.length === 0 ? [{ labels: {}, points: [] }] : series
  return all.map(({ labels, points }) => {
    const values = new Map(points.map(({ at, value }) => [at, value]))
    return { labels, points: Array.from({ length: count }, (_, at) => ({ at, value: values.get(at) ?? 0 })) }
  })
}

export function scaleOf({ fn, step, field }: Pick<Shape, 'fn' | 'step' | 'field'>): number {
  if (fn === 'rate') return 1e9 / Number(step)
  return fn === 'count_over_time' ? 1 : secondsOf(field)
}

export function secondsOf(field: Field | undefined): number {
  return field && isDuration(field) ? 1e-9 : 1
}

function isDuration(field: Field): boolean {
  if (field.kind === 'intrinsic') return intrinsics[field.name].type === 'duration'
  if (field.kind === 'unary') return isDuration(field.operand)
  return field.kind === 'binary' && (isDuration(field.left) || isDuration(field.right))
}

function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value)
}
