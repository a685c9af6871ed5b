import type { Metric } from '@spanlink/api-schema'
import type { QueryParams } from '../../clickhouse/store.ts'
import { InvalidParameterError } from '../sql/invalid-parameter.ts'

/** SQL on `metric_series` for the series of a metric, with parameters prefixed `series`. */
export type SeriesFilter = { readonly where: string; readonly params: QueryParams }

export function createSeriesFilter(
  metric: Metric,
  service: string | undefined,
  filters: readonly string[],
): SeriesFilter {
  const matching = createSeriesMatcher(service, filters)
  return {
    where: `name = {seriesName:String} and type = {seriesType:String} and unit = {seriesUnit:String}
      and monotonic = {seriesMonotonic:UInt8} and ${matching.where}`,
    params: {
      ...matching.params,
      seriesName: metric.name,
      seriesType: metric.type,
      seriesUnit: metric.unit,
      seriesMonotonic: metric.monotonic ? 1 : 0,
    },
  }
}

/** Like `createSeriesFilter`, for series of any metric. */
export function createSeriesMatcher(service: string | undefined, filters: readonly string[]): SeriesFilter {
  const conditions: string[] = ['1']
  const params: Record<string, string> = {}
  if (service !== undefined) {
    conditions.push('service = {seriesService:String}')
    params['seriesService'] = service
  }
  for (const [index, filter] of filters.entries()) {
    const [key, wanted] = splitFilter(filter)
    const label = seriesLabel(key, `seriesLabel${index}`)
    const value = `{seriesValue${index}:String}`
    params[`seriesValue${index}`] = wanted
    Object.assign(params, label.params)
    conditions.push(
      label.ofSource
        ? `source_id in (select source_id from sources where ${label.sql} = ${value})`
        : `${label.sql} = ${value}`,
    )
  }
  return { where: conditions.join(' and '), params }
}

/**
 * Splits `label=value`.
 *
 * @throws InvalidParameterError without a label or a `=`
 */
export function splitFilter(filter: string): readonly [label: string, value: string] {
  const at = filter.indexOf('=')
  if (at < 1) throw new InvalidParameterError('filter', `filter "${filter}" is not label=value.`)
  return [filter.slice(0, at), filter.slice(at + 1)]
}

/** Columns of `sources` that `seriesLabel` may read. */
export const labelColumnsOfSource = 'source_id, resource_attrs, scope_attrs, scope_name, scope_version'

const columnsOfSource: Readonly<Record<string, string>> = {
  'otel.scope.name': 'scope_name',
  'otel.scope.version': 'scope_version',
}
const mapsOfSource = [
  ['resource.', 'resource_attrs'],
  ['scope.', 'scope_attrs'],
] as const

/**
 * SQL for the value of a label: `service`; `resource.<key>`, `scope.<key>`, `otel.scope.name` or
 * `otel.scope.version` (of `sources`); or the points' attribute of that key.
 *
 * @param parameter name for the key's parameter
 */
export function seriesLabel(
  label: string,
  parameter: string,
): { readonly sql: string; readonly ofSource: boolean; readonly params: QueryParams } {
  if (label === 'service') return { sql: 'service', ofSource: false, params: {} }
  const column = columnsOfSource[label]
  if (column !== undefined) return { sql: column, ofSource: true, params: {} }
  const [prefix, map] = mapsOfSource.find(([start]) => label.startsWith(start)) ?? ['', 'attrs']
  return {
    sql: `${map}[{${parameter}:String}]`,
    ofSource: prefix !== '',
    params: { [parameter]: label.slice(prefix.length) },
  }
}
