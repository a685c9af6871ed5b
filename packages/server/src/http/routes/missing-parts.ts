import type { SearchedRange } from '@spanlink/api-schema'
import type { LostPart } from '../../clickhouse/store.ts'

const DAY_MS = 86_400_000

/**
 * Marks a list or count as incomplete whose range may touch a part that can't be read. A part has
 * rows that arrived on one day, of spans that began on this day or on any before it, as old traces
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

/** Of a table or of the endpoints below a path. */
function toSignal(name: string): 'logs' | 'metrics' | 'traces' {
  if (name === 'logs') return 'logs'
  return name.startsWith('metric') ? 'metrics' : 'traces'
}

/** Unix nanoseconds; an unknown day could be any. */
function getDayEnd(day: string): bigint {
  const ms = Date.parse(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`)
  return Number.isNaN(ms) ? 2n ** 64n : BigInt(ms + DAY_MS) * 1_000_000n
}
