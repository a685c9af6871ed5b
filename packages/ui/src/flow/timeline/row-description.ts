import { durationText } from '../../lib/format/duration-text.ts'
import { groupStatistics } from '../model/flow-group.ts'
import type { FlowModel } from '../model/flow-model.ts'
import type { FlowRow } from './flow-rows.ts'

/** What the canvas draws in a row, for those who do not see it. */
export function rowWords(model: FlowModel, row: FlowRow): string {
  if (row.kind === 'waiting') return ''
  if (row.kind === 'missing')
    return `Not consumed by ${row.consumerGroup} from ${row.topic}, waiting for ${durationText(row.waited)}`
  if (row.kind === 'span') {
    const start = row.spans.start[row.span] ?? 0
    return `${durationText((row.spans.end[row.span] ?? 0) - start)}, starts at ${durationText(start)}`
  }
  if (row.kind === 'group') {
    const { duration, queueTime, start, end, hasPath } = groupStatistics(model, row.members)
    const waited =
      queueTime === undefined
        ? ''
        : `, waited ${durationText(queueTime.median)} (median), ${durationText(queueTime.most)} at most`
    return `${row.members.length} traces from ${durationText(start)} to ${durationText(end)}, ${durationText(duration.median)} each (median), ${durationText(duration.most)} at most${waited}${hasPath ? ', on the critical path' : ''}`
  }
  const start = model.start[row.lane] ?? 0
  const wait = model.edges[model.parentEdge[row.lane] ?? -1]?.edge
  const waited =
    wait?.queueTimeNano === undefined || wait.queueTimeNano === null
      ? ''
      : `, waited ${durationText(Number(wait.queueTimeNano))} in ${wait.topic}`
  return `${durationText((model.end[row.lane] ?? 0) - start)}, starts at ${durationText(start)}${waited}${model.onPath[row.lane] === 1 ? ', on the critical path' : ''}`
}
