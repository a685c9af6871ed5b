import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OpenIngest, openIngest } from '../ingest/open-ingest.ts'
import { transcodeLogs, transcodeMetrics } from './transcode.ts'
import { arbitraryLogs, arbitraryMetrics } from './arbitrary-signals.ts'
import { COLUMNS } from './columns.ts'
import { encodeLogs, encodeMetrics, fieldNames } from './otlp-messages.ts'

let opened: OpenIngest
let store: OpenIngest['store']
let ingest: OpenIngest['ingest']

beforeAll(async () => {
  opened = await openIngest()
  ;({ store, ingest } = opened)
})
afterAll(() => opened[Symbol.asyncDispose]())

test('every OTLP field of logs and metrics has a column', async () => {
  const columns = await store.query<{ path: string }>(
    `select concat(table, '.', name) as path from system.columns where database = currentDatabase()`,
  )
  const paths = new Set(columns.map((column) => column.path))
  const withoutColumn = fieldNames.filter(
    (field) => !paths.has(COLUMNS[field] ?? '') && !/^(Gauge|Summary)\./.test(field),
  )
  expect(withoutColumn).toEqual([])
})

const attributes = (text: string) => [{ key: text, value: { stringValue: text } }]

const resource = {
  attributes: attributes('service.name'),
  droppedAttributesCount: 1,
  entityRefs: [{ schemaUrl: 'entity schema', type: 'service', idKeys: ['id'], descriptionKeys: ['about'] }],
}
const scope = { name: 'scope', version: 'v1', attributes: attributes('scope'), droppedAttributesCount: 2 }

const storedSource = {
  service: 'service.name',
  resource_attrs: { 'service.name': 'service.name' },
  resource_dropped_attrs: 1,
  resource_schema_url: 'resource schema',
  entity_refs: '[{"schemaUrl":"entity schema","type":"service","idKeys":["id"],"descriptionKeys":["about"]}]',
  scope_name: 'scope',
  scope_version: 'v1',
  scope_attrs: { scope: 'scope' },
  scope_dropped_attrs: 2,
  scope_schema_url: 'scope schema',
}

const logsRequest = {
  resourceLogs: [
    {
      resource,
      schemaUrl: 'resource schema',
      scopeLogs: [
        {
          scope,
          schemaUrl: 'scope schema',
          logRecords: [
            {
              timeUnixNano: '18446744073709551615',
              observedTimeUnixNano: '1795132800000000001',
              severityNumber: 17,
              severityText: 'Error',
              body: { kvlistValue: { values: [{ key: 'a', value: { intValue: '9007199254740993' } }] } },
              attributes: [...attributes('log'), { key: 'n', value: { intValue: '7' } }],
              droppedAttributesCount: 3,
              flags: 0xffffffff,
              traceId: 'a1'.repeat(16),
              spanId: 'a2'.repeat(8),
              eventName: 'order.placed',
            },
          ],
        },
      ],
    },
  ],
}

test.each(['protobuf', 'json'] as const)(
  'every field of a log record sent as %s is stored in its column',
  async (encoding) => {
    const body = encoding === 'json' ? JSON.stringify(logsRequest) : encodeLogs(logsRequest)
    expect(await post('/v1/logs', body, encoding)).toEqual({ status: 200, body: encoding === 'json' ? '{}' : '' })
    await stored()
    const rows = await store.query(
      `select time, observed, severity, severity_text, body, body_type, attrs, attr_types, dropped_attrs, flags,
      lower(hex(trace_id)) as trace_id, lower(hex(span_id)) as span_id, event_name, timestamp,
      service, source_id in (select source_id from sources) as has_source
    from logs`,
    )
    expect(rows.at(-1)).toEqual({
      time: '18446744073709551615',
      observed: '1795132800000000001',
      timestamp: '18446744073709551615',
      severity: 17,
      severity_text: 'Error',
      body: '{"kvlistValue":{"values":[{"key":"a","value":{"intValue":"9007199254740993"}}]}}',
      body_type: 'k',
      attrs: { log: 'log', n: '7' },
      attr_types: 'si',
      dropped_attrs: 3,
      flags: 0xffffffff,
      trace_id: 'a1'.repeat(16),
      span_id: 'a2'.repeat(8),
      event_name: 'order.placed',
      service: 'service.name',
      has_source: 1,
    })
    expect(await store.query(`select ${Object.keys(storedSource).join(', ')} from sources final`)).toEqual([
      storedSource,
    ])
  },
)

const exemplars = [
  {
    timeUnixNano: '5',
    asDouble: -0.5,
    spanId: 'b2'.repeat(8),
    traceId: 'b1'.repeat(16),
    filteredAttributes: attributes('left out'),
  },
  { timeUnixNano: '6', asInt: '-9223372036854775808' },
]
const times = { startTimeUnixNano: '1795132800000000000', timeUnixNano: '1795132800000000007', flags: 3 }
const point = { ...times, attributes: attributes('point') }
const metric = (name: string, data: object) => ({
  name,
  description: `about ${name}`,
  unit: 'By',
  metadata: attributes('metadata'),
  ...data,
})

const metricsRequest = {
  resourceMetrics: [
    {
      resource,
      schemaUrl: 'resource schema',
      scopeMetrics: [
        {
          scope,
          schemaUrl: 'scope schema',
          metrics: [
            metric('gauge', { gauge: { dataPoints: [{ ...point, asDouble: 0.25, exemplars }] } }),
            metric('sum', {
              sum: {
                dataPoints: [{ ...point, asInt: '-9007199254740993' }],
                aggregationTemporality: 1,
                isMonotonic: true,
              },
            }),
            metric('histogram', {
              histogram: {
                aggregationTemporality: 2,
                dataPoints: [
                  {
                    ...point,
                    count: '18446744073709551615',
                    sum: 12.5,
                    bucketCounts: ['1', '18446744073709551614', '0'],
                    explicitBounds: [-1.5, 'Infinity'],
                    min: -2,
                    max: 7,
                    exemplars,
                  },
                ],
              },
            }),
            metric('exponential', {
              exponentialHistogram: {
                aggregationTemporality: 2,
                dataPoints: [
                  {
                    ...point,
                    count: '9',
                    sum: 1.5,
                    scale: -10,
                    zeroCount: '4',
                    positive: { offset: -2147483648, bucketCounts: ['0', '18446744073709551615', '300'] },
                    negative: { offset: 2147483647, bucketCounts: ['9007199254740993'] },
                    min: -8,
                    max: 9,
                    zeroThreshold: 1e-9,
                    exemplars,
                  },
                ],
              },
            }),
            metric('summary', {
              summary: {
                dataPoints: [
                  {
                    ...point,
                    count: '4',
                    sum: -3.5,
                    quantileValues: [
                      { quantile: 0.5, value: 2 },
                      { quantile: 1, value: 3 },
                    ],
                  },
                ],
              },
            }),
          ],
        },
      ],
    },
  ],
}

test.each(['protobuf', 'json'] as const)(
  'every field of a metric sent as %s is stored in its column',
  async (encoding) => {
    const body = encoding === 'json' ? JSON.stringify(metricsRequest) : encodeMetrics(metricsRequest)
    expect(await post('/v1/metrics', body, encoding)).toEqual({ status: 200, body: encoding === 'json' ? '{}' : '' })
    await stored()
    const series = await store.query<{ name: string }>(
      `select name, type, unit, temporality, monotonic, attrs, description, metadata, service,
      source_id in (select source_id from sources) as has_source
    from metric_series final order by name`,
    )
    const shared = {
      unit: 'By',
      attrs: { point: 'point' },
      metadata: { metadata: 'metadata' },
      service: 'service.name',
      has_source: 1,
    }
    const kinds = [
      ['exponential', 'exponential-histogram', 'cumulative', 0],
      ['gauge', 'gauge', 'unspecified', 0],
      ['histogram', 'histogram', 'cumulative', 0],
      ['sum', 'sum', 'delta', 1],
      ['summary', 'summary', 'unspecified', 0],
    ] as const
    expect(series).toEqual(
      kinds.map(([name, type, temporality, monotonic]) => ({
        name,
        type,
        temporality,
        monotonic,
        description: `about ${name}`,
        ...shared,
      })),
    )
    const points = await store.query(
      `select name, p.* except (received, series_id, exemplars),
      arrayMap(e -> (e.time, e.value_type, e.value, e.int_value, hex(e.trace_id), hex(e.span_id), e.attrs, e.attr_types),
        exemplars) as exemplars
    from metric_points as p
    join (select series_id, name from metric_series final) as s using series_id
    order by name, received desc limit 1 by name`,
    )
    const leftOut = { 'left out': 'left out' }
    const storedExemplars = [
      ['5', 'double', -0.5, '0', 'B1'.repeat(16), 'B2'.repeat(8), leftOut, ''],
      ['6', 'int', -9223372036854775808, '-9223372036854775808', '0'.repeat(32), '0'.repeat(16), {}, ''],
    ]
    const nothing = {
      time: times.timeUnixNano,
      start: times.startTimeUnixNano,
      flags: 3,
      value_type: 'none',
      value: 0,
      int_value: '0',
      count: '0',
      sum: 0,
      min: 0,
      max: 0,
      present: 0,
      bounds: [],
      buckets: [],
      scale: 0,
      zero_count: '0',
      zero_threshold: 0,
      positive_offset: 0,
      positive: [],
      negative_offset: 0,
      negative: [],
      quantiles: [],
      exemplars: [],
    }
    expect(points).toEqual([
      {
        ...nothing,
        name: 'exponential',
        count: '9',
        sum: 1.5,
        min: -8,
        max: 9,
        present: 7,
        scale: -10,
        zero_count: '4',
        zero_threshold: 1e-9,
        positive_offset: -2147483648,
        positive: ['0', '18446744073709551615', '300'],
        negative_offset: 2147483647,
        negative: ['9007199254740993'],
        exemplars: storedExemplars,
      },
      { ...nothing, name: 'gauge', value_type: 'double', value: 0.25, exemplars: storedExemplars },
      {
        ...nothing,
        name: 'histogram',
        count: '18446744073709551615',
        sum: 12.5,
        min: -2,
        max: 7,
        present: 7,
        bounds: [-1.5, 'inf'],
        buckets: ['1', '18446744073709551614', '0'],
        exemplars: storedExemplars,
      },
      { ...nothing, name: 'sum', value_type: 'int', value: -9007199254740992, int_value: '-9007199254740993' },
      {
        ...nothing,
        name: 'summary',
        count: '4',
        sum: -3.5,
        present: 1,
        quantiles: [
          { quantile: 0.5, value: 2 },
          { quantile: 1, value: 3 },
        ],
      },
    ])
  },
)

test('log and metric rows of random requests are inserted without loss', async () => {
  const logs = fc.sample(arbitraryLogs(), 300).map((request) => transcodeLogs(encodeLogs(request), 1_800_000_000))
  const metrics = fc
    .sample(arbitraryMetrics(), 300)
    .map((request) => transcodeMetrics(encodeMetrics(request), 1_800_000_000))
  await store.insert('logs', [Buffer.concat(logs.map((rows) => rows.logs))], 'any logs')
  await store.insert('metric_series', [Buffer.concat(metrics.map((rows) => rows.series))], 'any series')
  await store.insert('metric_points', [Buffer.concat(metrics.map((rows) => rows.points))], 'any points')
  const [counts] = await store.query(
    `select (select count() from logs where received = 1800000000) as logs,
      (select count() from metric_points where received = 1800000000) as points,
      (select count() from metric_points where received = 1800000000 and series_id not in
        (select series_id from metric_series)) as lost`,
  )
  expect(counts).toEqual({
    logs: String(logs.reduce((sum, rows) => sum + rows.logCount, 0)),
    points: String(metrics.reduce((sum, rows) => sum + rows.pointCount, 0)),
    lost: '0',
  })
})

async function post(
  path: string,
  body: string | Uint8Array,
  encoding: 'json' | 'protobuf',
): Promise<{ status: number; body: string }> {
  const type = encoding === 'json' ? 'application/json' : 'application/x-protobuf'
  const init = { method: 'POST', headers: { 'content-type': type }, body: Buffer.from(body) }
  const response = await fetch(new URL(path, ingest.otlpHttpUrl), init)
  expect(response.headers.get('content-type')).toBe(type)
  return { status: response.status, body: await response.text() }
}

async function stored(): Promise<void> {
  await expect.poll(() => ingest.journalDepth().segments, { timeout: 10_000 }).toBe(0)
}
