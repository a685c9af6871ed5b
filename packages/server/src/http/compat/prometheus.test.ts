import { expect, test } from 'vitest'
import { formatExposition } from './prometheus.ts'

const status = {
  version: '1.0.0',
  uptimeSeconds: 12.5,
  engine: { mode: 'embedded', version: '26.7 "x"\\\n', state: 'ready', restarts: 2 },
  journal: { segments: 1, bytes: 2048, tornBytes: 7, unreadableBytes: 8 },
  corruptParts: { count: 1, bytes: 10, tables: ['spans'] as string[] },
  damagedRows: 3,
  quarantine: { segments: 2, bytes: 512, lastError: '' },
  ingest: {
    requests: 3,
    spans: 40,
    rejectedSpans: 5,
    logs: 6,
    rejectedLogs: 9,
    points: 7,
    rejectedPoints: 8,
    rejectedRequests: { malformed: 1, overLimit: 2, tooLarge: 3, busy: 4, unauthorized: 5, rateLimited: 6, failed: 0 },
    bytes: 600,
  },
  access: { unauthenticated: 1, forbidden: 2, rateLimited: 3 },
  store: { spans: 1e15, links: 8, traces: 9, bytesOnDisk: 10 },
  endpoints: { ui: '', otlpHttp: '' },
} as const

test('each metric has one HELP line, one TYPE line and samples', () => {
  const metrics = formatExposition(status)
    .trimEnd()
    .split(/\n(?=# HELP )/)
  expect(new Set(metrics.map((metric) => metric.split(' ', 3)[2])).size).toBe(metrics.length)
  for (const metric of metrics) {
    const [help = '', type, ...samples] = metric.split('\n')
    const name = /^# HELP (\S+) \S/.exec(help)?.[1] ?? 'no name'
    expect(type).toBe(`# TYPE ${name} ${name.endsWith('_total') ? 'counter' : 'gauge'}`)
    expect(samples.length).toBeGreaterThan(0)
    for (const sample of samples) expect(sample).toMatch(new RegExp(`^${name}({.*})? [0-9.e+-]+$`))
  }
})

test('metric values are those of the status, and label values are escaped', () => {
  const text = formatExposition(status)
  expect(text).toContain('\nspanlink_ready 1\n')
  expect(text).toContain('\nspanlink_engine_restarts_total 2\n')
  expect(text).toContain('\nspanlink_journal_bytes 2048\n')
  expect(text).toContain('\nspanlink_receiver_accepted_log_records_total 6\n')
  expect(text).toContain('\nspanlink_receiver_accepted_metric_points_total 7\n')
  expect(text).toContain('\nspanlink_receiver_failed_requests_total{reason="too_large"} 3\n')
  expect(text).toContain('\nspanlink_store_damaged_rows_total 3\n')
  expect(text).toContain('\nspanlink_store_spans 1000000000000000\n')
  expect(text).toContain('engine="26.7 \\"x\\"\\\\\\n"')
  expect(formatExposition({ ...status, engine: { ...status.engine, state: 'down' } })).toContain('\nspanlink_ready 0\n')
})
