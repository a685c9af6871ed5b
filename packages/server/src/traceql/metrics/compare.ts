import { executeQuery } from '../execute/execute-query.ts'
import type { MetricsCompare } from '../syntax/ast.ts'
import { findOnlyFilter } from '../analyze/list-parts.ts'
import { needsOtherSpans } from '../sql/required-columns.ts'
import { compileSpanCondition, selectSpans } from '../sql/select-spans.ts'
import { createParams, type Params } from '../sql/params.ts'
import { TraceQLError } from '../syntax/errors.ts'
import type { Intervals } from './intervals.ts'
import { toLabel, type Labels, toTextLabel } from './labels.ts'
import { fillPoints, type RawSeries } from './series.ts'
import type { Search } from '../execute/search.ts'

/** Whether the span's own row and its source decide both filters. */
export function isComparable({ source, selection }: MetricsCompare): boolean {
  const filter = findOnlyFilter(source)
  return filter !== undefined && !needsOtherSpans(filter.condition, selection.condition)
}

/**
 * Counts values of attributes, name, kind, status and statusMessage of the selected spans
 * (`selection`) and of the others (`baseline`), and spans that have the field (`…_total`). Two
 * scans: the most used values, in memory that grows with fields only, then counts per interval.
 */
export async function compareInClickHouse(
  search: Search,
  metrics: MetricsCompare,
  intervals: Intervals,
): Promise<readonly RawSeries[]> {
  const mostUsed = await findMostUsedValues(search, metrics, intervals)
  if (mostUsed.length === 0) return []
  const params = createParams()
  const texts = (pick: (value: MostUsed) => string): string => params.add('Array(String)', mostUsed.map(pick))
  const shown = `(select arrayJoin(arrayZip(arrayMap(each -> toUInt8(each), ${texts(({ selected }) => selected)}),
    ${texts(({ field }) => field)}, ${texts(({ text }) => text)})))`
  const rows = await executeQuery<{
    at: string
    selected: number
    field: string
    shown: string | null
    result: string
  }>(
    search,
    `select at, selected, tupleElement(entry, 1) as field,
      if((selected, field, tupleElement(entry, 2)) in ${shown}, tupleElement(entry, 2), null) as shown, count() as result
    from (${selectEntries(metrics, intervals, params)}) array join entries as entry
    group by at, selected, field, shown limit ${params.add('UInt32', MAX_POINTS + 1)}`,
    params,
  )
  if (rows.length > MAX_POINTS)
    throw new TraceQLError(
      'limit',
      'compare() has too many points: choose a longer step, or fewer values of each attribute.',
    )
  const series = new Map<string, { labels: Labels; values: Map<number, number> }>()
  const add = (meta: string, field: string, value: string | null, at: number, count: number): void => {
    const label = toLabel(value === null ? undefined : { text: value.slice(1), code: value.charAt(0) })
    const labels: Labels = { __meta_type: toTextLabel(meta), [field]: label }
    const known = series.get(JSON.stringify(labels)) ?? { labels, values: new Map<number, number>() }
    known.values.set(at, (known.values.get(at) ?? 0) + count)
    series.set(JSON.stringify(labels), known)
  }
  for (const { at, selected, field, shown, result } of rows) {
    const meta = Number(selected) === 1 ? 'selection' : 'baseline'
    if (shown !== null) add(meta, field, shown, Number(at), Number(result))
    add(`${meta}_total`, field, null, Number(at), Number(result))
  }
  return [...series]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { labels, values }]) => ({ labels, points: fillPoints(values, intervals) }))
}

/**
 * Limits of points in a result, and of values per field in the search for the most used.
 */
const MAX_POINTS = 500_000
const MAX_DISTINCT_VALUES = 1000

/** `text` begins with its type code. */
type MostUsed = { readonly selected: string; readonly field: string; readonly text: string }

async function findMostUsedValues(
  search: Search,
  metrics: MetricsCompare,
  intervals: Intervals,
): Promise<readonly MostUsed[]> {
  const params = createParams()
  type Value = { readonly item: string; readonly count: string }
  const rows = await executeQuery<{ selected: number; field: string; values: readonly Value[] }>(
    search,
    `select selected, tupleElement(entry, 1) as field,
      arrayMap(each -> CAST((tupleElement(each, 1), toString(tupleElement(each, 2))), 'Tuple(item String, count String)'),
        topK(${MAX_DISTINCT_VALUES}, 3, 'counts')(tupleElement(entry, 2))) as values
    from (${selectEntries(metrics, intervals, params)}) array join entries as entry group by selected, field`,
    params,
  )
  return rows.flatMap(({ selected, field, values }) =>
    values
      .toSorted((a, b) => Number(b.count) - Number(a.count) || (a.item.slice(1) < b.item.slice(1) ? -1 : 1))
      .slice(0, metrics.top)
      .map(({ item }) => ({ selected: String(selected), field, text: item })),
  )
}

/**
 * Selects per span its interval, whether it is selected, and pairs of field and value with type
 * code.
 */
function selectEntries(
  { source, selection, within }: MetricsCompare,
  { start, end, step }: Intervals,
  params: Params,
): string {
  const time = (nanos: bigint): string => params.add('UInt64', String(nanos))
  const { row, select } = selectSpans(findOnlyFilter(source)?.condition, { start, end }, params, true)
  // As in Tempo, open at the start and closed at the end.
  const inTime = within ? ` and s.start > ${time(within.start)} and s.start <= ${time(within.end)}` : ''
  const ofMap = (scope: string, map: string, types: string): string =>
    `arrayMap((key, value, at) -> (concat(${params.add('String', `${scope}.`)}, key),
      concat(if(${types} = '', 's', transform(substring(${types}, at, 1), ['i', 'd', 'b'], ['i', 'd', 'b'], 's')), value)),
      mapKeys(${map}), mapValues(${map}), arrayEnumerate(mapKeys(${map})))`
  const own = `arrayMap(each -> (tupleElement(each, 1), concat('s', tupleElement(each, 2))),
    arrayFilter(each -> tupleElement(each, 2) != '', [('name', toString(s.name)), ('kind', toString(s.kind)),
    ('status', toString(s.status)), ('statusMessage', toString(s.status_message)),
    ('instrumentation:name', toString(r.scope_name)), ('instrumentation:version', toString(r.scope_version))]))`
  const entries = select(
    `intDiv(s.start - ${time(start)}, ${time(step)}) as at, toUInt8(${compileSpanCondition(selection.condition, row)}${inTime}) as selected,
      arrayConcat(${own}, ${ofMap('span', 's.attrs', 's.attr_types')},
        ${ofMap('resource', 'r.resource_attrs', 'r.resource_attr_types')},
        ${ofMap('instrumentation', 'r.scope_attrs', 'r.scope_attr_types')}) as entries,
      cityHash64(s.trace_id, s.span_id, s.kind, s.service) as identity`,
  )
  return `select at, selected, entries from (${entries}) limit 1 by identity`
}
