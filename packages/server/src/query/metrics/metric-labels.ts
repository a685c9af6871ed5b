import type { MetricLabelsAnswer, MetricLabelsQuery } from '@spanlink/contract'
import type { QueryOptions, Store } from '../../store/store.ts'
import { findMetric } from './metric-names.ts'
import { seriesFilter } from './series-filter.ts'

const LABELS_AT_MOST = 500
const VALUES_AT_MOST = 100

/** What a metric's series can be filtered and grouped by; `undefined` when there is no such metric. */
export async function listMetricLabels(
  store: Store,
  query: MetricLabelsQuery,
  options: QueryOptions,
): Promise<MetricLabelsAnswer | undefined> {
  const found = await findMetric(store, query.name, options)
  if (found === undefined) return undefined
  const filter = seriesFilter(found.metric, query.service, [])
  const rows = await store.query<{ key: string; values: string[]; valueCount: string }>(
    `select key, arraySlice(arraySort(groupUniqArray(1000)(value)), 1, ${VALUES_AT_MOST}) as values,
      uniqExact(value) as valueCount
    from (
      select 'service' as key, toString(service) as value from metric_series where ${filter.where}
      union all
      select toString(attr.1) as key, attr.2 as value from metric_series
        array join arrayZip(mapKeys(attrs), mapValues(attrs)) as attr where ${filter.where}
      union all
      select concat('resource.', attr.1) as key, attr.2 as value from sources
        array join arrayZip(mapKeys(resource_attrs), mapValues(resource_attrs)) as attr
        where source_id in (select source_id from metric_series where ${filter.where})
    )
    group by key order by startsWith(key, 'resource.'), key limit ${LABELS_AT_MOST}`,
    filter.params,
    options,
  )
  return { labels: rows.map((row) => ({ ...row, valueCount: Number(row.valueCount) })) }
}
