import type { SpanHead, StoredValue } from '../../query/trace-rows/trace-row.ts'
import type { NestedSet } from './nested-set.ts'

export type Attributes = ReadonlyMap<string, StoredValue>

/** An event of a span, or a link. */
export type SpanItem = SpanEvent | SpanLink
export type SpanEvent = { readonly time: bigint; readonly name: string; readonly attributes: Attributes }
export type SpanLink = { readonly traceId: string; readonly spanId: string; readonly attributes: Attributes }

/** What `sources` has of a span: its resource and scope. */
export type SpanSource = {
  readonly resource: Attributes
  readonly scope: Attributes
  readonly scopeName: string
  readonly scopeVersion: string
}

/** A span as stored, with the fields that a query reads; others are empty. */
export type FetchedSpan = Omit<SpanHead, 'eventTimes'> & {
  readonly statusMessage: string
  readonly attributes: Attributes
  readonly events: readonly SpanEvent[]
  readonly links: readonly SpanLink[]
}

/** A span in its trace: what fields are evaluated on. */
export type TraceSpan = FetchedSpan & {
  readonly source: SpanSource | undefined
  /** Undefined if it has none, or none that is stored. */
  readonly parent: TraceSpan | undefined
  readonly trace: WholeTrace
  /** Index in the trace. */
  readonly at: number
}

/** What spans of a trace have in common. */
export type WholeTrace = {
  /** Nanoseconds. */
  readonly duration: bigint
  /** The earliest span without a parent. */
  readonly root: FetchedSpan | undefined
  /** By index of the span. */
  readonly childCounts: Uint32Array
  nested(): NestedSet
}
