import type { RowTable } from '../../src/clickhouse/tables.ts'
import * as json from '../../src/otlp/json/transcode-json.ts'
import * as logs from '../../src/otlp/log/transcode-logs.ts'
import * as metrics from '../../src/otlp/metric/transcode-metrics.ts'
import type { SignalRows } from '../../src/otlp/rows.ts'
import { runSteps, type Steps } from '../../src/otlp/steps.ts'
import * as traces from '../../src/otlp/trace/transcode-traces.ts'
import * as zipkin from '../../src/otlp/zipkin/transcode-zipkin.ts'

export type TraceRows = ReturnType<typeof transcodeTraces>

export const transcodeTraces = createTranscoder(traces.transcodeTraces, nameTraceRows)
export const transcodeTracesJson = createTranscoder(json.transcodeTracesJson, nameTraceRows)
export const transcodeZipkin = createTranscoder(zipkin.transcodeZipkin, nameTraceRows)
export const transcodeLogs = createTranscoder(logs.transcodeLogs, nameLogRows)
export const transcodeLogsJson = createTranscoder(json.transcodeLogsJson, nameLogRows)
export const transcodeMetrics = createTranscoder(metrics.transcodeMetrics, nameMetricRows)
export const transcodeMetricsJson = createTranscoder(json.transcodeMetricsJson, nameMetricRows)

/** Decodes without pausing, and names the rows and counts of each table. */
function createTranscoder<T>(
  transcode: (body: Uint8Array, receivedUnixSeconds: number) => Steps<SignalRows>,
  nameRows: (rows: SignalRows) => T,
): (body: Uint8Array, receivedUnixSeconds: number) => SignalRows & T {
  return (body, receivedUnixSeconds) => {
    const rows = runSteps(transcode(body, receivedUnixSeconds))
    return { ...rows, ...nameRows(rows) }
  }
}

function nameTraceRows(rows: SignalRows) {
  const [sources, sourceCount] = findTable(rows, 'sources')
  const [spans, spanCount] = findTable(rows, 'spans')
  return { sources, sourceCount, spans, spanCount, rejectedSpans: rows.rejected }
}

function nameLogRows(rows: SignalRows) {
  const [logs, logCount] = findTable(rows, 'logs')
  return { logs, logCount, rejectedLogs: rows.rejected }
}

function nameMetricRows(rows: SignalRows) {
  const [series, seriesCount] = findTable(rows, 'metric_series')
  const [points, pointCount] = findTable(rows, 'metric_points')
  return { series, seriesCount, points, pointCount, rejectedPoints: rows.rejected }
}

function findTable({ batches }: SignalRows, table: RowTable): [bytes: Uint8Array, rows: number] {
  const { bytes, rows } = batches.find((batch) => batch.table === table) ?? { bytes: Buffer.alloc(0), rows: 0 }
  return [bytes, rows]
}
