import type { LogRows, MetricRows, TraceRows } from '../otlp/rows.ts'
import type { RowTable } from '../clickhouse/tables.ts'
import type { Section } from './frame.ts'

/**
 * Below it, buffers are joined before they are streamed: requests of one span each would be
 * thousands of writes.
 */
const SMALL_BYTES = 64 * 1024

/** What a codec makes of a request, of whatever signal. */
export type SignalRows = TraceRows | LogRows | MetricRows

/** The rows by table, without empty ones, in the order of their insert. */
export function sectionsOf(rows: SignalRows): Section[] {
  const sections: Section[] = [{ table: 'sources', rows: rows.sourceCount, bytes: rows.sources }]
  if ('spans' in rows) {
    sections.push({ table: 'span_links', rows: rows.linkCount, bytes: rows.spanLinks })
    sections.push({ table: 'spans', rows: rows.spanCount, bytes: rows.spans })
  } else if ('logs' in rows) {
    sections.push({ table: 'logs', rows: rows.logCount, bytes: rows.logs })
  } else {
    sections.push({ table: 'metric_series', rows: rows.seriesCount, bytes: rows.series })
    sections.push({ table: 'metric_points', rows: rows.pointCount, bytes: rows.points })
  }
  return sections.filter((section) => section.rows > 0)
}

/** What a receiver answers and counts, whatever the signal. */
export type Outcome = { readonly accepted: number; readonly rejected: number; readonly rejectReason: string }

export function outcomeOf(rows: SignalRows): Outcome {
  if ('spans' in rows) {
    return { accepted: rows.spanCount, rejected: rows.rejectedSpans, rejectReason: rows.rejectReason }
  }
  if ('logs' in rows) {
    return { accepted: rows.logCount, rejected: rows.rejectedLogs, rejectReason: rows.rejectReason }
  }
  return { accepted: rows.pointCount, rejected: rows.rejectedPoints, rejectReason: rows.rejectReason }
}

export function bytesOf(sections: readonly Section[]): number {
  return sections.reduce((sum, section) => sum + section.bytes.length, 0)
}

/** Of one table, in few buffers. */
export function rowsOf(sections: readonly Section[], table: RowTable): readonly Uint8Array[] {
  const ofTable = sections.filter((section) => section.table === table)
  const rows = ofTable.map((section) => section.bytes)
  return bytesOf(ofTable) < rows.length * SMALL_BYTES ? [Buffer.concat(rows)] : rows
}
