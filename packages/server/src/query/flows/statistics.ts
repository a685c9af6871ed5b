import type { FlowStatistics } from '@spanlink/api-schema'
import { type Edge, computeEdgeQueueTime } from './edges/edge.ts'
import type { Lane } from './lanes.ts'

/**
 * Divides the time from the first start to the last end. Work: any span is active. Queue: no span
 * is active, and a message is between its ends. Idle: the rest. Receive spans wait for messages, so
 * they are not work.
 */
export function computeStatistics(lanes: readonly Lane[], edges: readonly Edge[]): FlowStatistics {
  const work: Interval[] = []
  const queues: Interval[] = []
  let [first, last] = [undefined as bigint | undefined, 0n]
  let [spanCount, errorCount, negativeQueueTimeCount, queueTotal] = [0, 0, 0, 0n]
  for (const { spans } of lanes) {
    for (const { span } of spans) {
      spanCount++
      if (span.status === 'error') errorCount++
      if (first === undefined || span.start < first) first = span.start
      if (span.end > last) last = span.end
      if (span.operation !== 'receive') work.push([span.start, span.end])
    }
  }
  for (const edge of edges) {
    const time = computeEdgeQueueTime(edge)
    if (time === undefined || edge.to === undefined || edge.role !== 'message') continue
    if (time < 0n) negativeQueueTimeCount++
    else {
      queueTotal += time
      queues.push([edge.to.span.start - time, edge.to.span.start])
    }
  }
  const endToEnd = first === undefined ? 0n : last - first
  const processing = sumCoveredTime(work)
  const either = sumCoveredTime([...work, ...queues])
  return {
    endToEndNano: String(endToEnd),
    processingNano: String(processing),
    queueNano: String(either - processing),
    idleNano: String(endToEnd - either),
    queueTotalNano: String(queueTotal),
    negativeQueueTimeCount,
    spanCount,
    errorCount,
    traceCount: new Set(lanes.map((lane) => lane.traceId)).size,
  }
}

type Interval = readonly [from: bigint, until: bigint]

/** Length of the union. */
function sumCoveredTime(intervals: readonly Interval[]): bigint {
  let [total, end] = [0n, 0n]
  for (const [from, until] of intervals.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    if (until <= end) continue
    total += until - (from > end ? from : end)
    end = until
  }
  return total
}
