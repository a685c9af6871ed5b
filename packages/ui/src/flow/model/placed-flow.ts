import type { FlowEdge, FlowSpan, PathSegment } from '@spanlink/api-schema'

/** A span of a flow: by trace and span id, because lanes of one trace share the trace id. */
export type FlowKey = `${string}/${string}`

export interface PlacedSpan extends FlowSpan {
  readonly traceId: string
  readonly lane: number
  readonly start: number
  readonly end: number
}

/**
 * An edge with its ends as lanes (-1: not here) and its times. `from` and `to` are NaN while that
 * end is not here.
 */
export interface PlacedEdge {
  readonly edge: FlowEdge
  readonly fromLane: number
  readonly toLane: number
  /** When the wait began: the start of the consuming span minus the queue time. */
  readonly from: number
  /** Start of the consuming span. */
  readonly to: number
}

/** A part of the critical path, on the flow's axis. */
export interface PlacedSegment {
  readonly segment: PathSegment
  readonly lane: number
  readonly start: number
  readonly end: number
}

/** Messages that one lane sent to a topic and that a group of it has not consumed. */
export interface PlacedMissing {
  readonly lane: number
  readonly topic: string
  readonly consumerGroup: string
  readonly count: number
  /** The first of the sends, and when it ended. */
  readonly producer: { readonly traceId: string; readonly spanId: string }
  readonly sentAt: number
  /** Of the first, in nanoseconds. */
  readonly waitNanos: number
}
