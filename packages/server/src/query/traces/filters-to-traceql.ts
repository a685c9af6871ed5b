import type { HeatmapQuery } from '@spanlink/api-schema'
import { parseDuration } from '../sql/time-parameters.ts'

type Filters = Pick<HeatmapQuery, 'q' | 'service' | 'operation' | 'minDuration' | 'maxDuration' | 'status'>

/**
 * Converts a request's `q` or its single filters to TraceQL; undefined when it has neither.
 */
export function convertFiltersToTraceQL(filters: Filters): string | undefined {
  if (filters.q !== undefined) return filters.q
  const conditions: string[] = []
  if (filters.service !== undefined) conditions.push(`resource.service.name = ${JSON.stringify(filters.service)}`)
  if (filters.operation !== undefined) conditions.push(`name = ${JSON.stringify(filters.operation)}`)
  if (filters.minDuration !== undefined)
    conditions.push(`duration >= ${parseDuration('minDuration', filters.minDuration)}ns`)
  if (filters.maxDuration !== undefined)
    conditions.push(`duration <= ${parseDuration('maxDuration', filters.maxDuration)}ns`)
  if (filters.status !== undefined) conditions.push(`status = ${filters.status}`)
  return conditions.length === 0 ? undefined : `{ ${conditions.join(' && ')} }`
}
