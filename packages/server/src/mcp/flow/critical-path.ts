import type { CriticalPath, PathSegment, PathShare } from '@spanlink/api-schema'
import { formatDuration, formatPercent } from '../text/format.ts'
import { quote } from '../text/quote.ts'
import { formatSpanIds } from '../text/record.ts'

/** Steps with less of the path are summed up. */
const MIN_STEP_SHARE = 0.005

export function formatShare({ kind, name }: Pick<PathShare, 'kind' | 'name'>): string {
  if (kind === 'gap') return 'no known activity'
  return kind === 'service' ? `work of service ${quote(name)}` : `queue time on topic ${quote(name)}`
}

/** Shares, then the steps in order of time. */
export function formatCriticalPath({ durationNano, segments, shares }: CriticalPath): readonly string[] {
  const total = Math.max(Number(durationNano), 1)
  const start = BigInt(segments[0]?.startTimeUnixNano ?? 0)
  const steps = segments.filter((segment) => Number(segment.durationNano) / total >= MIN_STEP_SHARE)
  const hidden = segments.length - steps.length
  return [
    `Critical path, ${formatDuration(durationNano)}, by share:`,
    ...shares.map(
      (share) => `  ${formatPercent(share.share)} ${formatDuration(share.durationNano)} ${formatShare(share)}`,
    ),
    `Critical path, step by step (+ offset from its start, duration)${hidden > 0 ? `, without ${hidden} steps below ${formatPercent(MIN_STEP_SHARE)}` : ''}:`,
    ...steps.map((segment) => `  ${formatSegment(segment, start)}`),
  ]
}

function formatSegment(segment: PathSegment, start: bigint): string {
  const { kind, startTimeUnixNano, durationNano, service, name, topic = '', traceId, spanId } = segment
  const times = `+${formatDuration(BigInt(startTimeUnixNano) - start)} ${formatDuration(durationNano)}`
  const span = `${quote(service)} ${quote(name)} (${formatSpanIds(traceId, spanId)})`
  if (kind === 'queue') return `${times} QUEUE: message on topic ${quote(topic)} waits for ${span}`
  return `${times} ${kind === 'gap' ? 'no known activity before' : 'work:'} ${span}`
}
