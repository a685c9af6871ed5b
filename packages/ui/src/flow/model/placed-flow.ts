import type { FlowEdge, FlowSpan, PathSegment } from '@spanlink/api-schema'

/** Identifies a span of a flow by trace and span id: lanes of one trace share the trace id. */
export type FlowKey = `${string}/${string}`

export interface PlacedSpan extends FlowSpan {
  readonly traceId: string
  readonly lane: number
  readonly start: number
  readonly end: number
}

/** An edge with its two lanes (-1 if not loaded) and its times (NaN if that end is not loaded). */
export interface PlacedEdge {
  readonly edge: FlowEdge
  readonly fromLane: number
  readonly toLane: number
  /** Start of the wait: the start of the consuming span minus the queue time. */
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

/** Messages that one lane sent to a topic and that one of its consumer groups has not consumed. */
export interface PlacedMissing {
  readonly lane: number
  readonly topic: string
  readonly consumerGroup: string
  readonly count: number
  /** The first send span; `sentAt` is its end. */
  readonly producer: { readonly traceId: string; readonly spanId: string }
  readonly sentAt: number
  /** Wait of the first message, in nanoseconds. */
  readonly waitNanos: number
}
