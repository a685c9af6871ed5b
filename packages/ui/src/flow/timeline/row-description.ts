import { formatDuration } from '../../lib/format/duration.ts'
import { computeGroupStatistics } from '../model/flow-group.ts'
import type { FlowModel } from '../model/flow-model.ts'
import type { FlowRow } from './flow-rows.ts'

/** Text alternative for a row of the canvas. */
export function describeRow(model: FlowModel, row: FlowRow): string {
  if (row.kind === 'loading') return ''
  if (row.kind === 'missing')
    return `Not consumed by ${row.consumerGroup} from ${row.topic}, waiting for ${formatDuration(row.waitNanos)}`
  if (row.kind === 'span') {
    const start = row.spans.start[row.span] ?? 0
    return `${formatDuration((row.spans.end[row.span] ?? 0) - start)}, starts at ${formatDuration(start)}`
  }
  if (row.kind === 'group') {
    const { duration, queueTime, start, end, hasPath } = computeGroupStatistics(model, row.members)
    const waitNanos =
      queueTime === undefined
        ? ''
        : `, waited ${formatDuration(queueTime.median)} (median), ${formatDuration(queueTime.max)} at most`
    return `${row.members.length} traces from ${formatDuration(start)} to ${formatDuration(end)}, ${formatDuration(duration.median)} each (median), ${formatDuration(duration.max)} at most${waitNanos}${hasPath ? ', on the critical path' : ''}`
  }
  const start = model.start[row.lane] ?? 0
  const wait = model.edges[model.parentEdge[row.lane] ?? -1]?.edge
  const waitNanos =
    wait?.queueTimeNano === undefined || wait.queueTimeNano === null
      ? ''
      : `, waited ${formatDuration(Number(wait.queueTimeNano))} in ${wait.topic}`
  return `${formatDuration((model.end[row.lane] ?? 0) - start)}, starts at ${formatDuration(start)}${waitNanos}${model.onPath[row.lane] === 1 ? ', on the critical path' : ''}`
}
