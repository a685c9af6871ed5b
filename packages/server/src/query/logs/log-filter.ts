import type { LogsQuery, Severity } from '@spanlink/api-schema'
import type { QueryParams } from '../../clickhouse/store.ts'
import { InvalidParameterError } from '../sql/invalid-parameter.ts'
import { parseUnixNano } from '../sql/time-parameters.ts'
import { matchAttribute } from './attribute-match.ts'

/** Lowest number of each severity range (logs data model, "Field: SeverityNumber"). */
const MIN_SEVERITY_NUMBERS: Readonly<Record<Severity, number>> = {
  trace: 1,
  debug: 5,
  info: 9,
  warn: 13,
  error: 17,
  fatal: 21,
}

/** Ten-minute bucket of `timestamp`, the first column of the table's sort key. */
export const logBucket = 'intDiv(timestamp, 600000000000)'

export type LogFilter = { readonly conditions: readonly string[]; readonly params: QueryParams }

/** SQL conditions on `logs`, to be joined with `and`, and their parameters. */
export function createLogFilter(query: LogsQuery): LogFilter {
  const conditions: string[] = []
  const params: Record<string, string | number> = {}
  const where = (condition: string, values: Readonly<Record<string, string | number>>): void => {
    conditions.push(condition)
    Object.assign(params, values)
  }
  if (query.traceId !== undefined) {
    where('trace_id = toFixedString(unhex({traceId:String}), 16)', { traceId: query.traceId })
  }
  if (query.spanId !== undefined) {
    if (query.traceId === undefined) throw new InvalidParameterError('spanId', 'spanId requires traceId.')
    where('span_id = toFixedString(unhex({spanId:String}), 8)', { spanId: query.spanId })
  }
  if (query.service !== undefined) where('service = {service:String}', { service: query.service })
  if (query.severity !== undefined) {
    where('severity >= {severity:UInt8}', { severity: MIN_SEVERITY_NUMBERS[query.severity] })
  }
  if (query.eventName !== undefined) where('event_name = {eventName:String}', { eventName: query.eventName })
  if (query.q !== undefined) where('positionCaseInsensitive(body, {q:String}) > 0', { q: query.q })
  if (query.start !== undefined) {
    const start = String(parseUnixNano('start', query.start))
    where(`timestamp >= {start:UInt64} and ${logBucket} >= intDiv({start:UInt64}, 600000000000)`, { start })
  }
  if (query.end !== undefined) {
    const end = String(parseUnixNano('end', query.end))
    where(`timestamp < {end:UInt64} and ${logBucket} <= intDiv({end:UInt64}, 600000000000)`, { end })
  }
  for (const [index, text] of [query.attribute ?? []].flat().entries()) {
    const { sql, params: values } = matchAttribute(text, `attribute${index}`)
    const inResource = sql({ map: 'resource_attrs', types: 'resource_attr_types' })
    conditions.push(
      `(${sql({ map: 'attrs', types: 'attr_types' })} or source_id in (select source_id from sources where ${inResource}))`,
    )
    Object.assign(params, values)
  }
  return { conditions, params }
}
