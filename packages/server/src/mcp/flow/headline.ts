import type { FlowResponse } from '@spanlink/api-schema'
import { formatCount, formatDuration, formatPercent, joinFacts } from '../text/format.ts'
import { quote } from '../text/quote.ts'
import { formatShare } from './critical-path.ts'

/** Why it took as long as it did, what failed and what is stuck, in one sentence. */
export function formatHeadline({ traceId, title, statistics, criticalPath, missingConsumers }: FlowResponse): string {
  const name = title === null ? '' : ` ${quote(title.service, 80)} ${quote(title.name, 80)}`
  const [largest] = criticalPath?.shares ?? []
  const stuck = missingConsumers[0]
  const facts = joinFacts([
    stuck !== undefined &&
      `${formatCount(missingConsumers.length, 'message')} not consumed (topic ${quote(stuck.topic, 80)} by group ${quote(stuck.consumerGroup, 80)})`,
    largest !== undefined && `${formatPercent(largest.share)} of its critical path is ${formatShare(largest)}`,
    statistics.errorCount === 0 ? 'no errors' : formatCount(statistics.errorCount, 'failed span'),
  ])
  return `Flow of trace ${traceId}:${name} took ${formatDuration(statistics.endToEndNano)} end to end; ${facts}.`
}

export function formatStatistics({ statistics, lanes, originCount, origins }: FlowResponse): readonly string[] {
  const { processingNano, queueNano, idleNano, spanCount, traceCount, negativeQueueTimeCount } = statistics
  const [first] = origins
  return [
    `${formatCount(traceCount, 'trace')}, ${formatCount(spanCount, 'span')}, ${formatCount(new Set(lanes.flatMap(({ services }) => services.map(({ name }) => name))).size, 'service')}. Wall-clock time: ${formatDuration(processingNano)} working, ${formatDuration(queueNano)} only waiting in queues, ${formatDuration(idleNano)} idle.`,
    ...(negativeQueueTimeCount > 0
      ? [`Clock skew: ${formatCount(negativeQueueTimeCount, 'message')} with a negative queue time.`]
      : []),
    ...(originCount > 1
      ? [
          `The trace consumed messages of ${formatCount(originCount, 'event')}; this is the flow of the first, ${quote(first?.rootService ?? '')} ${quote(first?.rootName ?? '')}, trace ${first?.traceId ?? ''}.`,
        ]
      : []),
  ]
}

/** What the flow lacks; empty for a whole one. */
export function formatLimits({
  truncated,
  missingTraceIds,
  missingParts,
  nextCursor,
}: FlowResponse): readonly string[] {
  return [
    ...(truncated.traces || nextCursor !== undefined ? ['PARTIAL: more traces than maxTraces; raise it.'] : []),
    ...(truncated.depth ? ['PARTIAL: the flow continues beyond 16 links; get_flow of its last trace shows more.'] : []),
    ...(truncated.fanOut || truncated.spans ? ['PARTIAL: the limit of links or spans of a flow was reached.'] : []),
    ...(missingParts ? ['PARTIAL: some stored data of the flow is unreadable.'] : []),
    ...(missingTraceIds.length > 0
      ? [
          `${formatCount(missingTraceIds.length, 'linked trace')} not stored (not sampled, expired or not yet received).`,
        ]
      : []),
  ]
}
