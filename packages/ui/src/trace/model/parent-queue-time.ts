import type { TraceModel } from './trace-model.ts'

/**
 * Queue time in nanoseconds of a consumer that is a child of its producer: since the end of the
 * send, or since its start if the consumer started before that end. Negative only if the consumer
 * started before the send.
 */
export function computeParentQueueTime(model: TraceModel, position: number): number | undefined {
  const above = model.parent[position] ?? -1
  if (model.spans[position]?.kind !== 'consumer' || model.spans[above]?.kind !== 'producer') return undefined
  const start = model.start[position] ?? 0
  const sent = model.end[above] ?? 0
  return start - (start >= sent ? sent : (model.start[above] ?? 0))
}
