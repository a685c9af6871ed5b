import type { FlowEdge, FlowResponse } from '@spanlink/api-schema'
import { describeMissingParts } from '../../lib/searched-range.ts'
import { formatCountOf } from '../../lib/format/number.ts'
import { formatDuration } from '../../lib/format/duration.ts'

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
}: FlowResponse) {
  /** `isIncomplete` is true if the flow is incomplete, false if the message is informational. */
  const messages: { readonly text: string; readonly isIncomplete: boolean }[] = []
  const addIncomplete = (text: string): void => void messages.push({ text, isIncomplete: true })
  const traces = statistics.traceCount.toLocaleString('en')
  if (nextCursor !== undefined || truncated.traces) {
    addIncomplete(`The flow has more traces. Statistics cover the nearest ${traces}.`)
  }
  if (truncated.depth) {
    const hidden = lanes.reduce((sum, lane) => sum + lane.hiddenLinks, 0)
    addIncomplete(
      `The flow continues beyond the maximum depth${hidden > 0 ? `: ${formatCountOf(hidden, 'more link')}` : ''}. Open the flow of one of its last traces to see the rest.`,
    )
  }
  if (truncated.fanOut) addIncomplete('A span has more links than one response can hold; some consumers are not shown.')
  if (truncated.spans) addIncomplete('A trace has more spans than one response can hold; open the trace to see all.')
  if (missingParts) addIncomplete(describeMissingParts('traces and spans'))
  const addNote = (text: string): void => void messages.push({ text, isIncomplete: false })
  if (missingTraceIds.length > 0) {
    addNote(
      `${formatCountOf(missingTraceIds.length, 'linked trace')} not found: not sampled, expired, sent elsewhere, or not yet received.`,
    )
  }
  const rootless = lanes.filter((lane) => lane.rootMissing).length
  if (rootless > 0)
    addNote(`Root span missing in ${formatCountOf(rootless, 'trace')}; the earliest span is shown instead.`)
  const skewed = statistics.negativeQueueTimeCount
  if (skewed > 0)
    addNote(
      `Clock skew: ${formatCountOf(skewed, 'message')} ${skewed === 1 ? 'was' : 'were'} consumed before the send. Marked below.`,
    )
  return messages
}

export const NO_PROCESS_SPAN_NOTE =
  'The receive span of the client ended before the handler began, so spans of the handler are not linked to the message.'

export function formatEventCount(of: number): string {
  return formatCountOf(of, 'other event')
}

/** `36 ms`, or the reason why the queue time is unknown. */
export function formatQueueTime(edge: FlowEdge): string {
  if (edge.queueTimeNano === null) return 'unknown: one end was not found'
  return formatDuration(Number(edge.queueTimeNano))
}
