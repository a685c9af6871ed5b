import { isTooHeavy } from '../../clickhouse/store-error.ts'
import { executeQuery } from '../execute/execute-query.ts'
import type { Field, MetricsAggregate } from '../syntax/ast.ts'
import { findOnlyFilter, listLeaves } from '../analyze/list-parts.ts'
import { canDecideWithoutJoins } from '../sql/condition.ts'
import { createUnjoinedRow } from '../sql/from.ts'
import { getRequiredColumns, needsOtherSpans } from '../sql/required-columns.ts'
import { selectSpans } from '../sql/select-spans.ts'
import { createParams } from '../sql/params.ts'
import { compileText, isServiceName, compileLabelTypeCode } from '../sql/text.ts'
import { compileOperand } from '../sql/value.ts'
import { describeField } from '../syntax/describe.ts'
import { TraceQLError } from '../syntax/errors.ts'
import { foldConstants } from '../analyze/constant-folding.ts'
import { intrinsics } from '../syntax/intrinsics.ts'
import { limits } from '../limits.ts'
import { type Intervals, getIntervalLength } from './intervals.ts'
import { type Label, type Labels, toLabel, toNumberLabel } from './labels.ts'
import { checkSeriesCount, fillPoints, type RawExemplar, type RawSeries } from './series.ts'
import type { Search } from '../execute/search.ts'

/**
 * Whether SQL can aggregate: one filter, and only fields of the span's own row or its source.
 */
export function canAggregateInClickHouse({ source, field, by }: MetricsAggregate): boolean {
  const filter = findOnlyFilter(source)
  if (!filter || needsOtherSpans(filter.condition, field, ...by)) return false
  const row = { ...createUnjoinedRow(createParams(), undefined), source: 'r' }
  return filter.condition === undefined || canDecideWithoutJoins(filter.condition, row)
}

/**
 * One scan of the window, grouped by interval and labels. A span that was sent twice counts once
 * while hashes of all matches fit in memory, else twice with a warning.
 */
export async function aggregateInClickHouse(search: Search, request: AggregateRequest): Promise<readonly RawSeries[]> {
  try {
    const rows = await aggregate(search, request, 'unique')
    const isRepeated = !isCount(request.metrics.fn) && rows.some(({ repeats }) => repeats === 1)
    return toRawSeries(isRepeated ? await aggregate(search, request, 'first') : rows, request)
  } catch (error) {
    if (!(error instanceof TraceQLError && isTooHeavy(error.cause))) throw error
    const rows = await aggregate(search, request, 'all')
    search.warnings.add('Too many spans to deduplicate: a span that was sent twice counts twice.')
    return toRawSeries(rows, request)
  }
}

/**
 * Of spans that were sent twice: `unique` counts them once, or finds out that there are some; for
 * 2M spans it takes half the time of `first`, which drops them.
 */
type Repeats = 'unique' | 'first' | 'all'

export type AggregateRequest = {
  readonly metrics: MetricsAggregate
  readonly intervals: Intervals
  readonly withExemplars: boolean
}

async function aggregate(search: Search, request: AggregateRequest, repeats: Repeats): Promise<readonly Raw[]> {
  const { source, fn, field, quantiles, by } = request.metrics
  const { start, end, step, count } = request.intervals
  const params = createParams()
  const joinSources = getRequiredColumns(field, ...by.filter((each) => !isServiceName(each))).has('source')
  const { row, select } = selectSpans(findOnlyFilter(source)?.condition, { start, end }, params, joinSources)
  const value = field ? `toFloat64(${compileOperand(foldConstants(field), row).number ?? 'null'})` : '1'
  const names = by.flatMap((_, at) => [`label${at}`, `type${at}`])
  const isHistogram = fn === 'histogram_over_time'
  const spans = select(
    [
      `intDiv(s.start - ${params.add('UInt64', String(start))}, ${params.add('UInt64', String(step))}) as at`,
      ...by.flatMap((each, at) => {
        const label = foldConstants(each)
        return [`${compileText(label, row)} as label${at}`, `${compileLabelTypeCode(label, row)} as type${at}`]
      }),
      `${value} as value`,
      ...(isHistogram ? ['if(value > 0, pow(2, ceil(log2(value))), 0) as bucket'] : []),
      ...(request.withExemplars ? ['s.trace_id as trace, s.span_id as span, s.start as start_time'] : []),
      ...(repeats === 'all' ? [] : ['cityHash64(s.trace_id, s.span_id, s.kind, s.service) as identity']),
    ].join(', '),
  )
  const groups = ['at', ...names, ...(isHistogram ? ['bucket'] : [])]
  const results = [
    `${compileAggregate(fn, quantiles, repeats)} as result`,
    ...(request.withExemplars ? [`${compileExemplars(fn)} as exemplars`] : []),
    ...(repeats === 'unique' && !isCount(fn) ? ['count() != uniqExact(identity) as repeats'] : []),
  ]
  const limit = limits.series * Math.min(count, limits.points) + 1
  return executeQuery<Raw>(
    search,
    `select ${[...groups, ...results].join(', ')}
    from (${repeats === 'first' ? `select * from (${spans}) limit 1 by identity` : spans})
    ${field ? 'where isNotNull(value)' : ''}
    group by ${groups.join(', ')} order by ${groups.join(', ')} limit ${params.add('UInt64', limit)}`,
    params,
  )
}

type Raw = {
  readonly at: string
  readonly bucket?: number
  readonly result: number | string | readonly number[]
  /** Whether spans of the group were sent twice. */
  readonly repeats?: number
  readonly exemplars?: readonly (readonly [trace: string, span: string, start_time: string, value: number])[]
  readonly [column: `label${number}` | `type${number}`]: string | null
}

function compileAggregate(fn: MetricsAggregate['fn'], quantiles: readonly number[], repeats: Repeats): string {
  if (isCount(fn)) return `toFloat64(${repeats === 'unique' ? 'uniqExact(identity)' : 'count()'})`
  // At most 1 % off, in constant memory; the parser limits the levels to 0 to 1.
  if (fn === 'quantile_over_time')
    return `[${quantiles.map((level) => `quantileDD(0.01, ${level})(assumeNotNull(value))`).join(', ')}]`
  return `${fn.replace('_over_time', '')}(value)`
}

/**
 * Picks example spans of a group: those of the minimum or maximum, for quantiles the slowest and
 * another, else one by hash, the same one for every request.
 */
function compileExemplars(fn: MetricsAggregate['fn']): string {
  const span = '(trace, span, start_time, toFloat64(value))'
  const any = `argMin(${span}, cityHash64(span))`
  const picked = {
    min_over_time: `argMin(${span}, value)`,
    max_over_time: `argMax(${span}, value)`,
    quantile_over_time: `${any}, argMax(${span}, value)`,
  }
  const picks = fn in picked ? picked[fn as keyof typeof picked] : any
  // Converted to hex after the pick: otherwise every span would pay for it.
  return `arrayMap(each -> (lower(hex(tupleElement(each, 1))), lower(hex(tupleElement(each, 2))),
    toString(tupleElement(each, 3)), tupleElement(each, 4)), [${picks}])`
}

type MutableSeries = {
  readonly labels: Labels
  readonly points: { readonly at: number; readonly value: number }[]
  readonly exemplars: RawExemplar[]
}

function toRawSeries(rows: readonly Raw[], { metrics, intervals }: AggregateRequest): readonly RawSeries[] {
  const { fn, quantiles, by, field } = metrics
  const series = new Map<string, MutableSeries>()
  const add = (labels: Labels, at: number, value: number): MutableSeries => {
    const name = JSON.stringify(labels)
    const known = series.get(name) ?? { labels, points: [], exemplars: [] }
    known.points.push({ at, value })
    series.set(name, known)
    checkSeriesCount(series.size)
    return known
  }
  for (const row of rows) {
    const labels: Labels = Object.fromEntries(by.map((each, at) => [describeField(each), readLabel(row, at)]))
    const at = Number(row.at)
    const scale = getScale(metrics, intervals, at)
    const exemplars = (row.exemplars ?? []).map(([traceId, spanId, timeUnixNano, value]): RawExemplar => ({
      at,
      traceId,
      spanId,
      timeUnixNano,
      value: isCount(fn) ? undefined : value * getUnitScale(field),
    }))
    const { result } = row
    if (fn === 'quantile_over_time' && Array.isArray(result)) {
      const levels = quantiles.map((level, index) => {
        const value = Number(result[index]) * scale
        return { value, of: add({ ...labels, p: toNumberLabel(level) }, at, value) }
      })
      addExemplarsToLevels(levels, exemplars)
    } else if (fn === 'histogram_over_time') {
      const bound = Number(row.bucket) * getUnitScale(field)
      add({ ...labels, __bucket: toNumberLabel(bound) }, at, Number(result)).exemplars.push(...exemplars)
    } else {
      add(labels, at, Number(result) * scale).exemplars.push(...exemplars)
    }
  }
  return fillZeros([...series.values()], metrics, intervals)
}

function readLabel(row: Raw, at: number): Label | null {
  const text = row[`label${at}`]
  return toLabel(typeof text === 'string' ? { text, code: row[`type${at}`] ?? '' } : undefined)
}

/** Adds each exemplar once, to the lowest quantile above it, else to the highest. */
export function addExemplarsToLevels(
  levels: readonly { readonly value: number; readonly of: { readonly exemplars: RawExemplar[] } }[],
  exemplars: readonly RawExemplar[],
): void {
  const rising = levels.toSorted((a, b) => a.value - b.value)
  const once = new Map(exemplars.map((each) => [`${each.traceId}${each.spanId}`, each]))
  for (const each of once.values()) {
    const level = rising.find(({ value }) => (each.value ?? 0) <= value) ?? rising.at(-1)
    level?.of.exemplars.push(each)
  }
}

/** Counting functions have 0 in an empty interval; others have no point there. */
export function fillZeros(
  series: readonly RawSeries[],
  { fn, by }: Pick<MetricsAggregate, 'fn' | 'by'>,
  intervals: Intervals,
): readonly RawSeries[] {
  if (fn !== 'rate' && fn !== 'count_over_time') return series
  const all: readonly RawSeries[] = series.length === 0 && by.length === 0 ? [{ labels: {}, points: [] }] : series
  return all.map((one) => {
    const values = new Map(one.points.map(({ at, value }) => [at, value]))
    return { ...one, points: fillPoints(values, intervals) }
  })
}

export function isCount(fn: MetricsAggregate['fn']): boolean {
  return fn === 'rate' || fn === 'count_over_time' || fn === 'histogram_over_time'
}

/** Factor from an aggregate to the value of an interval. */
export function getScale(
  { fn, field }: Pick<MetricsAggregate, 'fn' | 'field'>,
  intervals: Intervals,
  at: number,
): number {
  if (fn === 'rate') return 1e9 / Number(getIntervalLength(at, intervals))
  return isCount(fn) ? 1 : getUnitScale(field)
}

export function getUnitScale(field: Field | undefined): number {
  const isDuration =
    field && listLeaves(field).some((leaf) => leaf.kind === 'intrinsic' && intrinsics[leaf.name].type === 'duration')
  return isDuration ? 1e-9 : 1
}
