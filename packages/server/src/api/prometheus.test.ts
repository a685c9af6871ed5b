import { expect, test } from 'vitest'
import { exposition } from './prometheus.ts'

const status = {
  version: '1.0.0',
  uptimeSeconds: 12.5,
  engine: { mode: 'embedded', version: '26.7 "x"\\\n', state: 'ready', restarts: 2 },
  journal: { segments: 1, bytes: 2048, tornBytes: 7 },
  ingest: { requests: 3, spans: 40, rejectedSpans: 5, bytes: 600 },
  store: { spans: 1e15, links: 8, traces: 9, bytesOnDisk: 10 },
  endpoints: { ui: '', otlpHttp: '' },
} as const

test('every sample is preceded by its help and its type', () => {
  const lines = exposition(status).trimEnd().split('\n')
  expect(lines.length % 3).toBe(0)
  for (let at = 0; at < lines.length; at += 3) {
    const name = /^[a-z_]+/.exec(lines[at + 2] ?? '')?.[0] ?? 'no name'
    expect(lines[at]).toMatch(new RegExp(`^# HELP ${name} \\S`))
    expect(lines[at + 1]).toBe(`# TYPE ${name} ${name.endsWith('_total') ? 'counter' : 'gauge'}`)
    expect(lines[at + 2]).toMatch(/ [0-9.e+-]+$/)
  }
})

test('values come from the status, and labels hold any text', () => {
  const text = exposition(status)
  expect(text).toContain('\nspanlink_ready 1\n')
  expect(text).toContain('\nspanlink_engine_restarts_total 2\n')
  expect(text).toContain('\nspanlink_journal_bytes 2048\n')
  expect(text).toContain('\nspanlink_store_spans 1000000000000000\n')
  expect(text).toContain('engine="26.7 \\"x\\"\\\\\\n"')
  expect(exposition({ ...status, engine: { ...status.engine, state: 'down' } })).toContain('\nspanlink_ready 0\n')
})
