import type { TraceModel } from './trace-model.ts'

/**
 * How long the message of a consumer waited that is a child of its producer, in nanoseconds: since
 * the end of the send, or since its start where the consumer began before the end. Negative only
 * where it began before the send did.
 */
export function computeParentQueueTime(model: TraceModel, position: number): number | undefined {
  const above = model.parent[position] ?? -1
  if (model.spans[position]?.kind !== 'consumer' || model.spans[above]?.kind !== 'producer') return undefined
  const start = model.start[position] ?? 0
  const sent = model.end[above] ?? 0
  return start - (start >= sent ? sent : (model.start[above] ?? 0))
}
