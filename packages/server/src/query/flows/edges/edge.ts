import type { FlowEdge, RecordMetadata } from '@spanlink/api-schema'
import { computeQueueTime } from '../../links/linked-span.ts'
import type { FlowSpanRef } from '../flow-span.ts'
import type { LaneSpan } from '../lanes.ts'

/** A link or lane boundary between two spans. Either span may be missing. */
export type Edge = {
  readonly id: string
  readonly fromRef: FlowSpanRef
  readonly toRef: FlowSpanRef
  readonly from: LaneSpan | undefined
  readonly to: LaneSpan | undefined
  readonly via: FlowEdge['via']
  readonly role: FlowEdge['role']
  readonly record: RecordMetadata
  /** What the link names, without the spans' values. */
  readonly linked: RecordMetadata
  readonly consumerGroup: string
}

/** `undefined` if an end is missing. */
export function computeEdgeQueueTime({ from, to }: Edge): bigint | undefined {
  return from === undefined || to === undefined ? undefined : computeQueueTime(from.span, to.span)
}
