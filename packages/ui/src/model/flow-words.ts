import type { FlowAnswer } from '@spanlink/contract'

interface FlowWord {
  readonly text: string
  /** True where the flow is cut short, false where it is only remarkable. */
  readonly isBound: boolean
}

/** What the answer leaves out or cannot be sure of, each as one sentence; what `Load more` helps with is first. */
export function flowWords({ truncated, lanes, missingTraceIds, statistics, nextCursor }: FlowAnswer): FlowWord[] {
  const words: FlowWord[] = []
  const bound = (text: string): void => void words.push({ text, isBound: true })
  const traces = statistics.traceCount.toLocaleString('en')
  if (nextCursor !== undefined || truncated.traces) {
    bound(
      truncated.time
        ? `The time for one answer ran out after ${traces} traces. There are more, and what is told below is of these.`
        : `These are the ${traces} traces nearest to the one asked for. There are more, and what is told below is of these.`,
    )
  } else if (truncated.time) bound('The time for one answer ran out, so traces may be missing. Ask again in a moment.')
  if (truncated.depth) {
    const hidden = lanes.reduce((sum, lane) => sum + lane.hiddenLinks, 0)
    bound(
      `The flow goes on beyond the number of links that one answer follows${hidden > 0 ? ` (${hidden.toLocaleString('en')} more are known)` : ''}. Open the flow from one of its last traces to see the rest.`,
    )
  }
  if (truncated.fanOut) bound('A span has more links than one answer may hold; some of what it leads to is left out.')
  if (truncated.spans) bound('A trace has more spans than one answer may hold; the rest of it is on its own page.')
  if (missingTraceIds.length > 0) {
    const count = missingTraceIds.length
    words.push({
      text: `${count === 1 ? '1 linked trace is' : `${count.toLocaleString('en')} linked traces are`} not here: not sampled, expired, sent elsewhere, or still on the way.`,
      isBound: false,
    })
  }
  const rootless = lanes.filter((lane) => lane.rootMissing).length
  if (rootless > 0)
    words.push({
      text: `The root span of ${rootless === 1 ? '1 trace' : `${rootless.toLocaleString('en')} traces`} is not here; the earliest span stands for it.`,
      isBound: false,
    })
  if (statistics.negativeQueueTimes > 0) {
    const count = statistics.negativeQueueTimes
    words.push({
      text: `${count === 1 ? '1 message seems' : `${count.toLocaleString('en')} messages seem`} to have been consumed before being sent: clocks differ, or the consumer was faster than the producer's ack. Marked below.`,
      isBound: false,
    })
  }
  return words
}
