import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { toSpanKey, type SpanIdentity, type SpanRef } from '../../links/span-ref.ts'

/** The store, and the options of every query of a request. */
export type StoreAccess = { readonly store: Store; readonly options: QueryOptions }

/** A span reference. `start` is exact; `before` is an upper bound, usually within a minute. */
export type TimedRef = SpanRef & { readonly start?: bigint; readonly before?: bigint }

export function keyBySpan<Span extends SpanIdentity>(spans: Iterable<Span>): Map<string, Span> {
  return new Map(Array.from(spans, (span) => [toSpanKey(span), span]))
}
