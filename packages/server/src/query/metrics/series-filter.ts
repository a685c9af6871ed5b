import type { Metric } from '@spanlink/contract'
import type { QueryParams } from '../../store/store.ts'
import { BadParameter } from '../bad-parameter.ts'

/** SQL on `metric_series` for the series of a metric, and its parameters, which begin with `series`. */
export type SeriesFilter = { readonly where: string; readonly params: QueryParams }

export function seriesFilter(metric: Metric, service: string | undefined, filters: readonly string[]): SeriesFilter {
  const conditions = [
    'name = {seriesName:String}',
    'type = {seriesType:String}',
    'unit = {seriesUnit:String}',
    'monotonic = {seriesMonotonic:UInt8}',
  ]
  const params: Record<string, string | number> = {
    seriesName: metric.name,
    seriesType: metric.type,
    seriesUnit: metric.unit,
    seriesMonotonic: metric.monotonic ? 1 : 0,
  }
  if (service !== undefined) {
    conditions.push('service = {seriesService:String}')
    params['seriesService'] = service
  }
  for (const [index, filter] of filters.entries()) {
    const at = filter.indexOf('=')
    if (at < 1) throw new BadParameter('filter', `filter ${filter} is not label=value.`)
    const label = seriesLabel(filter.slice(0, at), `seriesLabel${index}`)
    const value = `{seriesValue${index}:String}`
    params[`seriesValue${index}`] = filter.slice(at + 1)
    Object.assign(params, label.params)
    conditions.push(
      label.ofResource
        ? `source_id in (select source_id from sources where ${label.sql} = ${value})`
        : `${label.sql} = ${value}`,
    )
  }
  return { where: conditions.join(' and '), params }
}

const RESOURCE = 'resource.'

/**
 * SQL for the value of a label: `service`, `resource.<key>` (of `sources`), or the attribute of that key.
 *
 * @param parameter name for the key's parameter
 */
export function seriesLabel(
  label: string,
  parameter: string,
): { readonly sql: string; readonly ofResource: boolean; readonly params: QueryParams } {
  if (label === 'service') return { sql: 'service', ofResource: false, params: {} }
  const ofResource = label.startsWith(RESOURCE)
  const key = ofResource ? label.slice(RESOURCE.length) : label
  return {
    sql: `${ofResource ? 'resource_attrs' : 'attrs'}[{${parameter}:String}]`,
    ofResource,
    params: { [parameter]: key },
  }
}
