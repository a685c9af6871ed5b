import type { FlowLane, FlowResponse } from '@spanlink/api-schema'
import { formatCount, formatDuration, joinFacts } from '../text/format.ts'
import { quote } from '../text/quote.ts'

/** Traces, or parts of one between queues, in order of start; below each, what it was caused by. */
export function formatLanes({ lanes, edges }: FlowResponse): readonly string[] {
  const start = BigInt(lanes[0]?.startTimeUnixNano ?? 0)
  const causes = Map.groupBy(
    edges.filter(({ from, to }) => from.laneId !== to.laneId),
    ({ to }) => to.laneId ?? '',
  )
  return [
    'Traces in order of start (+ offset, duration):',
    ...lanes.map((lane) => {
      const into = causes.get(lane.id) ?? []
      const [edge] = into
      const cause =
        edge === undefined
          ? undefined
          : `from ${edge.topic === '' ? edge.role : `topic ${quote(edge.topic)}`} of ${edge.from.laneId === null ? 'a span that is not stored' : `${quote(edge.from.service)} ${quote(edge.from.name)}`}${into.length > 1 ? ` and ${into.length - 1} more` : ''}`
      return `  ${formatLane(lane, start)}${cause === undefined ? '' : `, ${cause}`}`
    }),
  ]
}

function formatLane(lane: FlowLane, start: bigint): string {
  const { joinedWith } = lane
  return joinFacts([
    `+${formatDuration(BigInt(lane.startTimeUnixNano) - start)} ${formatDuration(lane.durationNano)} ${quote(lane.rootService)} ${quote(lane.rootName)}`,
    formatCount(lane.spanCount, 'span'),
    lane.errorCount > 0 && formatCount(lane.errorCount, 'error'),
    joinedWith !== undefined && `joined with ${formatCount(joinedWith.count, 'other event')} in its batch`,
    lane.endsAtReceive && 'no process span: its receive span ended before the handler started',
    lane.hiddenLinks > 0 && `${formatCount(lane.hiddenLinks, 'link')} not shown`,
    `trace ${lane.traceId}`,
  ])
}
