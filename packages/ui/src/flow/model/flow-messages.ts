import type { FlowEdge, FlowResponse } from '@spanlink/api-schema'
import { describeMissingParts } from '../../lib/searched-range.ts'
import { formatDuration } from '../../lib/format/duration-text.ts'

interface FlowMessage {
  readonly text: string
  /** True if the flow is incomplete, false if the message is informational. */
  readonly isIncomplete: boolean
}

/**
 * Lists missing or uncertain parts of a flow, one sentence each. Messages that `Load more` can
 * resolve are first.
 */
export function listFlowMessages({
  truncated,
  missingParts,
  lanes,
  missingTraceIds,
  statistics,
  nextCursor,
}: FlowResponse): FlowMessage[] {
  const words: FlowMessage[] = []
  const bound = (text: string): void => void words.push({ text, isIncomplete: true })
  const traces = statistics.traceCount.toLocaleString('en')
  if (nextCursor !== undefined || truncated.traces) {
    bound(`The flow has more traces. The figures are of the nearest ${traces}.`)
  }
  if (truncated.depth) {
    const hidden = lanes.reduce((sum, lane) => sum + lane.hiddenLinks, 0)
    bound(
      `The flow continues beyond the maximum depth${hidden > 0 ? `: ${count(hidden, 'more link')}` : ''}. Open the flow of one of its last traces to see the rest.`,
    )
  }
  if (truncated.fanOut) bound('A span has more links than one response can hold; some of its consumers are left out.')
  if (truncated.spans) bound('A trace has more spans than one response can hold; open the trace to see all.')
  if (missingParts) bound(describeMissingParts('traces and spans'))
  const note = (text: string): void => void words.push({ text, isIncomplete: false })
  if (missingTraceIds.length > 0) {
    note(
      `${count(missingTraceIds.length, 'linked trace')} not found: not sampled, expired, sent elsewhere, or not yet received.`,
    )
  }
  const rootless = lanes.filter((lane) => lane.rootMissing).length
  if (rootless > 0) note(`Root span missing in ${count(rootless, 'trace')}; the earliest span is shown instead.`)
  const skewed = statistics.negativeQueueTimeCount
  if (skewed > 0)
    note(
      `Clock skew: ${count(skewed, 'message')} ${skewed === 1 ? 'was' : 'were'} consumed before the send. Marked below.`,
    )
  return words
}

export const CHAIN_END_NOTE =
  'The receive span of the client ended before the handler began, so spans of the handler are not linked to the message.'

export function formatEventCount(of: number): string {
  return count(of, 'other event')
}

/** `36 ms`, or the reason why the queue time is unknown. */
export function formatQueueTime(edge: FlowEdge): string {
  if (edge.queueTimeNano === null) return 'unknown: one end was not found'
  return formatDuration(Number(edge.queueTimeNano))
}

function count(of: number, noun: string): string {
  return `${of.toLocaleString('en')} ${noun}${of === 1 ? '' : 's'}`
}
