import type { Metric, MetricLabelsResponse, MetricLabelsQuery } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { InvalidParameterError } from '../sql/invalid-parameter.ts'
import { findMetrics } from './metric-names.ts'
import { createSeriesFilter, type SeriesFilter } from './series-filter.ts'

const MAX_LABELS = 500
const MAX_VALUES = 100

/**
 * Lists the labels by which a metric's series can be filtered and grouped; `undefined` if there is
 * no such metric.
 */
export async function listMetricLabels(
  store: Store,
  query: MetricLabelsQuery,
  options: QueryOptions,
): Promise<MetricLabelsResponse | undefined> {
  const { metrics } = await findMetrics(store, query.name, options)
  const metric = metrics.find(({ type, unit }) => type === (query.type ?? type) && unit === (query.unit ?? unit))
  if (metric === undefined) return undefined
  const filter = createSeriesFilter(metric, query.service, [])
  const rows = await store.query<{ key: string; values: string[]; valueCount: string }>(
    `select key, arraySlice(arraySort(groupUniqArray(1000)(value)), 1, ${MAX_VALUES}) as values,
      uniqExact(value) as valueCount
    from (${labelSql(filter)})
    group by key order by startsWith(key, 'resource.'), key limit ${MAX_LABELS}`,
    filter.params,
    options,
  )
  return { labels: rows.map((row) => ({ ...row, valueCount: Number(row.valueCount) })) }
}

/**
 * Rejects labels that no series of the metric has: an empty chart or one unnamed series would hide
 * a typing error.
 *
 * @throws InvalidParameterError that lists available labels
 */
export async function checkLabels(
  store: Store,
  metric: Metric,
  requested: { readonly filter: readonly string[]; readonly groupBy: readonly string[] },
  options: QueryOptions,
): Promise<void> {
  if (requested.filter.length + requested.groupBy.length === 0) return
  const filter = createSeriesFilter(metric, undefined, [])
  const rows = await store.query<{ key: string }>(
    `select distinct key from (${labelSql(filter)}) order by startsWith(key, 'resource.'), key limit 10000`,
    filter.params,
    options,
  )
  const known = new Set(rows.map(({ key }) => key))
  for (const parameter of ['filter', 'groupBy'] as const) {
    const unknown = requested[parameter].find((label) => !known.has(label))
    if (unknown === undefined) continue
    const some = [...known].slice(0, 20).join(', ')
    throw new InvalidParameterError(parameter, `${metric.name} has no label "${unknown}". It has: ${some}.`)
  }
}

/** Selects label and value of every series and source of a metric. */
function labelSql({ where }: SeriesFilter): string {
  const inSources = `sources where source_id in (select source_id from metric_series where ${where})`
  const attributes = (map: string): string => `arrayZip(mapKeys(${map}), mapValues(${map}))`
  return `select 'service' as key, toString(service) as value from metric_series where ${where}
    union all
    select toString(attr.1) as key, attr.2 as value from metric_series array join ${attributes('attrs')} as attr where ${where}
    union all
    select concat(attr.1, attr.2) as key, attr.3 as value from (
      select arrayJoin(arrayConcat(
        arrayMap(a -> ('resource.', toString(a.1), a.2), ${attributes('resource_attrs')}),
        arrayMap(a -> ('scope.', toString(a.1), a.2), ${attributes('scope_attrs')}),
        arrayFilter(a -> a.3 != '', [('', 'otel.scope.name', toString(scope_name)), ('', 'otel.scope.version', toString(scope_version))])
      )) as attr from ${inSources})`
}
