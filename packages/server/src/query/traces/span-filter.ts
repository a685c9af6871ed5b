import type { TracesQuery } from '@spanlink/api-schema'
import type { QueryParams } from '../../clickhouse/store.ts'
import { InvalidParameterError } from '../sql/invalid-parameter.ts'
import { bucket, bucketOf } from '../sql/span-bucket.ts'
import { getDefaultEnd, parseDuration, parseUnixNano } from '../sql/time-parameters.ts'

/**
 * Conditions that one span must satisfy together. `from` and `to` are inclusive bounds of its
 * start.
 */
export type SpanFilter = {
  readonly conditions: readonly string[]
  readonly params: QueryParams
  readonly from: bigint
  readonly to: bigint
}

export function spanFilter(query: TracesQuery): SpanFilter {
  const conditions: string[] = []
  const params: Record<string, string> = {}
  const must = (condition: string, name: string, value: string): void => {
    conditions.push(condition)
    params[name] = value
  }
  if (query.service !== undefined) must('service = {service:String}', 'service', query.service)
  if (query.operation !== undefined) must('name = {operation:String}', 'operation', query.operation)
  if (query.status !== undefined) must('status = {status:String}', 'status', query.status)
  const longest = query.maxDuration === undefined ? undefined : parseDuration('maxDuration', query.maxDuration)
  const shortest = query.minDuration === undefined ? undefined : parseDuration('minDuration', query.minDuration)
  if (shortest !== undefined) must('duration >= {minDuration:Int64}', 'minDuration', String(shortest))
  if (longest !== undefined) must('duration <= {maxDuration:Int64}', 'maxDuration', String(longest))
  if (shortest !== undefined && longest !== undefined && shortest > longest) {
    throw new InvalidParameterError('minDuration', 'invalid minDuration: expected at most maxDuration')
  }
  const from = query.start === undefined ? 0n : parseUnixNano('start', query.start)
  const to = query.end === undefined ? getDefaultEnd(from) : parseUnixNano('end', query.end) - 1n
  if (query.start !== undefined && query.end !== undefined && from > to) {
    throw new InvalidParameterError('start', 'invalid start: expected a time before end')
  }
  return { conditions, params, from, to }
}

/**
 * SQL: the span starts between the two parameters, inclusive. The condition on the bucket uses the
 * sort key.
 */
export function startsBetween(from: string, to: string): string {
  return `start between {${from}:UInt64} and {${to}:UInt64}
    and ${bucket} between ${bucketOf(`{${from}:UInt64}`)} and ${bucketOf(`{${to}:UInt64}`)}`
}
