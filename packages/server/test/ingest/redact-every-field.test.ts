import { encodeTraces, type TracesRequest } from '@spanlink/testkit/otlp'
import { describe, expect, test } from 'vitest'
import { transcodeLogsJson, transcodeMetricsJson, transcodeTracesJson } from '../../src/otlp/json/transcode-json.ts'
import { transcodeLogs } from '../../src/otlp/log/transcode-logs.ts'
import { transcodeMetrics } from '../../src/otlp/metric/transcode-metrics.ts'
import { createRedactor } from '../../src/otlp/redact/redactor.ts'
import type { SignalRows } from '../../src/otlp/rows.ts'
import { runSteps } from '../../src/otlp/steps.ts'
import { transcodeTraces } from '../../src/otlp/trace/transcode-traces.ts'
import type { Transcode } from '../../src/otlp/wire/envelope.ts'
import { transcodeZipkin } from '../../src/otlp/zipkin/transcode-zipkin.ts'
import { createIngestPipeline } from '../../src/receivers/ingest-pipeline.ts'
import { encodeLogs, encodeMetrics } from '../signals/otlp-messages.ts'

/** Recognised by the pattern. */
const SECRET = 'bob@example.com'

/** A value of any type that only its name can hide. `hidden` is in its text, base64 included. */
const hiddenValues = [
  { stringValue: 'hidden' },
  { intValue: '9007199254740993' },
  { doubleValue: 9007.25 },
  { bytesValue: Buffer.from('hidden').toString('base64') },
  { arrayValue: { values: [{ stringValue: 'hidden' }] } },
  { kvlistValue: { values: [{ key: 'a', value: { stringValue: 'hidden' } }] } },
]
const HIDDEN = ['hidden', '9007', Buffer.from('hidden').toString('base64')]

const text = `from ${SECRET}`
const map = {
  kvlistValue: {
    values: [
      { key: 'note', value: { stringValue: text } },
      { key: 'user.password', value: { stringValue: 'hidden' } },
    ],
  },
}

/** Each value that must not be stored, at the top and nested; `long` is beyond fast paths. */
const attributes = [
  { key: 'note', value: { stringValue: text } },
  { key: 'long', value: { stringValue: `${'x'.repeat(300)} ${SECRET} end` } },
  { key: 'list', value: { arrayValue: { values: [{ stringValue: text }, map] } } },
  { key: 'map', value: map },
  ...hiddenValues.map((value, index) => ({ key: `USER.Password${index}`, value })),
  { key: 'kept', value: { stringValue: 'kept value' } },
]
const service = { key: 'service.name', value: { stringValue: 'orders' } }
const resource = { attributes: [service, ...attributes] }
const scope = { name: 'scope', attributes }
const ids = { traceId: 'a1'.repeat(16), spanId: 'a2'.repeat(8) }

const span = {
  ...ids,
  name: `GET ${SECRET}`,
  startTimeUnixNano: '1',
  endTimeUnixNano: '2',
  attributes,
  events: [{ timeUnixNano: '1', name: `event ${SECRET}`, attributes }],
  links: [{ ...ids, attributes }],
  status: { code: 2, message: text },
}
const traces = { resourceSpans: [{ resource, scopeSpans: [{ scope, spans: [span] }] }] }

const bodies = [{ stringValue: text }, map, { arrayValue: { values: [{ stringValue: text }] } }]
const logRecords = bodies.map((body) => ({ timeUnixNano: '1', body, attributes }))
const logs = { resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords }] }] }

const exemplars = [{ timeUnixNano: '1', asDouble: 1, filteredAttributes: attributes }]
const point = { timeUnixNano: '1', attributes }
const dataPoints = [{ ...point, exemplars }]
const metrics = {
  resourceMetrics: [
    {
      resource,
      scopeMetrics: [
        {
          scope,
          metrics: [
            { name: 'gauge', metadata: attributes, gauge: { dataPoints } },
            { name: 'sum', sum: { dataPoints, aggregationTemporality: 2 } },
            { name: 'histogram', histogram: { dataPoints, aggregationTemporality: 2 } },
            { name: 'exponential', exponentialHistogram: { dataPoints, aggregationTemporality: 2 } },
            { name: 'summary', summary: { dataPoints: [point] } },
          ],
        },
      ],
    },
  ],
}

const zipkin = [
  {
    traceId: 'a1'.repeat(16),
    id: 'a2'.repeat(8),
    name: `GET ${SECRET}`,
    timestamp: 1,
    duration: 1,
    tags: { note: text, 'user.password': 'hidden', error: text, kept: 'kept value' },
    annotations: [{ timestamp: 1, value: `event ${SECRET}` }],
    localEndpoint: { serviceName: `orders ${SECRET}`, ipv4: '10.0.0.1' },
    remoteEndpoint: { serviceName: text },
  },
]

const redactor = createRedactor(String.raw`*password*,/[\w.]+@[\w.]+/`)

function toRows(transcode: Transcode, body: Uint8Array | string, redact = redactor): string {
  const rows = runSteps(transcode(Buffer.from(body), 1_800_000_000, redact))
  expect({ rejected: rows.rejected, reason: rows.rejectReason }).toEqual({ rejected: 0, reason: '' })
  return rows.batches.map(({ bytes }) => Buffer.from(bytes).toString('latin1')).join('')
}

describe.each<[name: string, transcode: Transcode, body: Uint8Array | string, attributeLists: number]>([
  ['traces in protobuf', transcodeTraces, encodeTraces(traces as TracesRequest), 5],
  ['traces in JSON', transcodeTracesJson, JSON.stringify(traces), 5],
  ['logs in protobuf', transcodeLogs, encodeLogs(logs), 5],
  ['logs in JSON', transcodeLogsJson, JSON.stringify(logs), 5],
  ['metrics in protobuf', transcodeMetrics, encodeMetrics(metrics), 12],
  ['metrics in JSON', transcodeMetricsJson, JSON.stringify(metrics), 12],
  ['Zipkin spans', transcodeZipkin, JSON.stringify(zipkin), 1],
])('%s', (_name, transcode, body, attributeLists) => {
  test('no row has a secret', () => {
    const rows = toRows(transcode, body)
    for (const secret of [SECRET, ...HIDDEN]) expect([secret, rows.includes(secret)]).toEqual([secret, false])
  })

  test('everything else is stored', () => {
    const rows = toRows(transcode, body)
    expect(rows.split('kept value')).toHaveLength(attributeLists + 1)
    expect(rows).toContain('from [redacted]')
    expect(rows.split('[redacted]').length).toBeGreaterThan(4 * attributeLists)
  })

  test('a list that matches nothing leaves the rows unchanged', () => {
    const other = createRedactor('none.of.these,/none[0-9]of these/')
    expect(toRows(transcode, body, other)).toBe(
      runSteps(transcode(Buffer.from(body), 1_800_000_000))
        .batches.map(({ bytes }) => Buffer.from(bytes).toString('latin1'))
        .join(''),
    )
  })
})

test.each(['error', 'otel.status_description'])('the tag %s is redacted in the status of a Zipkin span too', (name) => {
  const spans = [{ traceId: 'a1', id: 'a2', tags: { 'otel.status_code': 'ERROR', [name]: 'hidden' } }]
  const rows = toRows(transcodeZipkin, JSON.stringify(spans), createRedactor(name))
  expect([rows.includes('hidden'), rows.includes('[redacted]')]).toEqual([false, true])
})

test('a key behind its value, and the last of several keys, hide the value', () => {
  const field = (tag: number, bytes: Buffer) => Buffer.concat([Buffer.from([tag, bytes.length]), bytes])
  const value = field(0x12, field(0x0a, Buffer.from('hidden')))
  const keys = [field(0x0a, Buffer.from('other')), value, field(0x0a, Buffer.from('my.password'))]
  const fields = [field(0x0a, Buffer.alloc(16, 1)), field(0x12, Buffer.alloc(8, 1)), field(0x4a, Buffer.concat(keys))]
  const rows = toRows(transcodeTraces, field(0x0a, field(0x12, field(0x12, Buffer.concat(fields)))))
  expect([rows.includes('hidden'), rows.includes('my.password\n[redacted]')]).toEqual([false, true])
})

test('the reason for a rejection quotes no value', () => {
  const attribute = { key: 'card', value: { stringValue: 4111_1111_1111_1111 } }
  const request = { resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, attributes: [attribute] }] }] }] }
  const reason = (redact?: typeof redactor) =>
    runSteps(transcodeTracesJson(Buffer.from(JSON.stringify(request)), 1, redact)).rejectReason
  expect(reason()).toContain('got 4111111111111111')
  expect(reason(redactor)).toContain('got a value')
})

test('the pipeline of all receivers, gRPC and Kafka too, redacts before the journal', async () => {
  const appended: Uint8Array[] = []
  const append = async ({ batches }: SignalRows) => void appended.push(...batches.map(({ bytes }) => bytes))
  const pipeline = createIngestPipeline(append, undefined, undefined, redactor)
  const body = { bytes: Buffer.from(encodeTraces(traces as TracesRequest)), release: () => {} }
  await pipeline.ingest({ receiver: 'OTLP/gRPC', address: '::1' }, 'spans', transcodeTraces, body)
  const rows = Buffer.concat(appended).toString('latin1')
  expect([rows.includes('[redacted]'), rows.includes(SECRET), rows.includes('hidden')]).toEqual([true, false, false])
})
