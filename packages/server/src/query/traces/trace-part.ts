import type { QueryParams } from '../../clickhouse/store.ts'
import { type Buckets, withinBuckets } from '../sql/trace-buckets.ts'
import type { TraceLimit } from './trace-limit.ts'

/** All of the trace if `spanId` is empty. */
export type TraceRequest = { readonly traceId: string; readonly spanId: string }

/** The part of a trace to read: all of it, or up to the limit. */
export type TracePart = {
  readonly request: TraceRequest
  readonly buckets: Promise<Buckets | undefined>
  readonly limit: TraceLimit | undefined
}

export const spanCondition = `trace_id = toFixedString(unhex({traceId:String}), 16)
  and ({spanId:String} = '' or span_id = toFixedString(unhex({spanId:String}), 8))`

export const spanConditionInBuckets = `${spanCondition} and ${withinBuckets}`

export function toCutParams(cut: TraceLimit | undefined): QueryParams {
  return cut === undefined ? {} : { cutStart: cut.start, cutSpanId: cut.spanId }
}

/** Returns the entries of a map that is stored as two columns. */
export function zipEntries(keys: readonly string[], values: readonly string[]): [string, string][] {
  return keys.map((key, at) => [key, values[at] ?? ''])
}
