import type { SearchedRange } from '@spanlink/api-schema'
import type { LostPart } from '../../clickhouse/store.ts'

const DAY_MS = 86_400_000

/**
 * Marks a list or count as incomplete if its range may include an unreadable part. A part has the
 * rows that arrived on one day. Their spans started on that day or any earlier one, as old traces
 * can be imported.
 */
export function markMissingParts(body: unknown, path: string, lost: readonly LostPart[]): unknown {
  if (lost.length === 0 || !isRange(body)) return body
  const start = BigInt(body.searched.start)
  const signal = toSignal(path.split('/')[2] ?? '')
  const isMissing = lost.some(
    ({ table, day }) => (table === 'sources' || toSignal(table) === signal) && start < getDayEnd(day),
  )
  return isMissing ? { ...body, complete: false, missingParts: true } : body
}

function isRange(body: unknown): body is SearchedRange {
  return typeof body === 'object' && body !== null && 'searched' in body && 'complete' in body
}

/** Maps a table name or an endpoint path to its signal. */
function toSignal(name: string): 'logs' | 'metrics' | 'traces' {
  if (name === 'logs') return 'logs'
  return name.startsWith('metric') ? 'metrics' : 'traces'
}

/** Returns Unix nanoseconds, or the maximum if the day is unknown. */
function getDayEnd(day: string): bigint {
  const ms = Date.parse(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`)
  return Number.isNaN(ms) ? 2n ** 64n : BigInt(ms + DAY_MS) * 1_000_000n
}
