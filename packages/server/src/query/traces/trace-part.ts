import type { QueryParams } from '../../clickhouse/store.ts'
import { type Buckets, inBuckets } from '../sql/trace-buckets.ts'
import type { TraceCut } from './trace-cut.ts'

/** `spanId` empty: all of the trace. */
export type Asked = { readonly traceId: string; readonly spanId: string }

/** What is read of a trace: all of it, or what is not behind the cut. */
export type TracePart = {
  readonly asked: Asked
  readonly buckets: Promise<Buckets | undefined>
  readonly cut: TraceCut | undefined
}

export const ofAsked = `trace_id = toFixedString(unhex({traceId:String}), 16)
  and ({spanId:String} = '' or span_id = toFixedString(unhex({spanId:String}), 8))`

export const ofAskedInBuckets = `${ofAsked} and ${inBuckets}`

export function cutParams(cut: TraceCut | undefined): QueryParams {
  return cut === undefined ? {} : { cutStart: cut.start, cutSpanId: cut.spanId }
}

/** Entries of a map from the columns that it is stored as. */
export function zipped(keys: readonly string[], values: readonly string[]): [string, string][] {
  return keys.map((key, at) => [key, values[at] ?? ''])
}
