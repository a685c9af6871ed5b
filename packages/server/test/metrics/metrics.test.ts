import type { MetricLabelsResponse, MetricsResponse, MetricSeriesResponse } from '@spanlink/api-schema'
import { kv } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeMetrics } from '../signals/otlp-messages.ts'
import { openSpanlink, type Spanlink } from '../signals/spanlink.ts'
import {
  at,
  billing,
  CUMULATIVE,
  DELTA,
  histogram,
  metricsOf,
  number,
  shop,
  SPAN,
  topic,
  TRACE,
} from './sample-metrics.ts'

let spanlink: Spanlink

beforeAll(async () => {
  spanlink = await openSpanlink()
  await spanlink.send('/v1/metrics', encodeMetrics(metricsOf('shop', shop)))
  await spanlink.send('/v1/metrics', encodeMetrics(metricsOf('billing', billing)))
  await spanlink.stored()
})

afterAll(async () => {
  await spanlink?.[Symbol.asyncDispose]()
})

test('metrics are listed with their OTLP and Prometheus names, filtered by either name and service', async () => {
  const { metrics } = await get<MetricsResponse>('/api/metrics')
  expect(metrics.map((metric) => [metric.name, metric.prometheusName, metric.type, metric.services])).toEqual([
    ['invoices', 'invoices_total', 'sum', ['billing']],
    ['latency', 'latency_seconds', 'histogram', ['shop']],
    ['messages.sent', 'messages_sent_total', 'sum', ['billing', 'shop']],
    ['old.quantiles', 'old_quantiles', 'summary', ['shop']],
    ['open.invoices', 'open_invoices', 'sum', ['billing']],
    ['queue.size', 'queue_size_ratio', 'gauge', ['shop']],
    ['sizes', 'sizes_bytes', 'exponential-histogram', ['shop']],
  ])
  expect(metrics[2]).toMatchObject({ description: 'Messages sent', temporality: 'cumulative', seriesCount: 3 })
  const found = await get<MetricsResponse>('/api/metrics', { q: 'SENT_TOTAL', service: 'shop' })
  expect(found.metrics.map((metric) => metric.name)).toEqual(['messages.sent'])
  expect(await get('/api/metrics', { limit: '1' })).toMatchObject({ metrics: [{ name: 'invoices' }], truncated: true })
})

test('metric labels are listed with their values', async () => {
  const { labels } = await get<MetricLabelsResponse>('/api/metrics/labels', { name: 'messages_sent_total' })
  expect(labels).toEqual([
    { key: 'service', values: ['billing', 'shop'], valueCount: 2 },
    { key: 'topic', values: ['a', 'b'], valueCount: 2 },
    { key: 'resource.service.name', values: ['billing', 'shop'], valueCount: 2 },
  ])
})

const window = { start: at(0), end: at(30), step: '10s' }
const ofShop = { ...window, service: 'shop' }

test('the rate of a cumulative counter ignores resets and duplicate points', async () => {
  const response = await series({ ...ofShop, name: 'messages.sent', groupBy: 'topic' })
  expect(response).toMatchObject({ rate: true, view: null, startTimeUnixNano: at(0), stepNano: '10000000000' })
  expect(lines(response)).toEqual({ 'topic=a': [10, 5, 4], 'topic=b': [1, 1, 1] })
})

test('a counter with rate=false is its increase per step', async () => {
  expect(lines(await series({ ...ofShop, name: 'messages.sent', rate: 'false' }))).toEqual({ '': [110, 60, 30] })
})

test('an increase over several steps is spread over them', async () => {
  const response = await series({ ...window, service: 'billing', name: 'messages.sent', rate: 'false', step: '15s' })
  expect(lines(response)).toEqual({ '': [30, 30] })
})

test('the Prometheus name of a counter selects it, summed over all services', async () => {
  const response = await series({ ...window, name: 'messages_sent_total', rate: 'false' })
  expect(response.name).toBe('messages.sent')
  expect(lines(response)).toEqual({ '': [130, 80, 50] })
})

test('the rate of a delta sum is its value per second', async () => {
  expect(lines(await series({ ...window, name: 'invoices' }))).toEqual({ '': [1, 2, 3] })
})

test('a non-monotonic sum is returned as its value, not as a rate', async () => {
  const response = await series({ ...window, name: 'open.invoices' })
  expect(response.rate).toBe(false)
  expect(lines(response)).toEqual({ '': [5, 3, 3] })
})

test('a gauge keeps its value until the next point and ends at a stale marker', async () => {
  const response = await series({ ...window, name: 'queue_size_ratio', groupBy: '*' })
  expect(lines(response)).toEqual({ 'service=shop topic=a': [4, 8, null], 'service=shop topic=b': [2, 2, 2] })
})

test.each([
  ['avg', [3, 5, 2]],
  ['sum', [6, 10, 2]],
  ['min', [2, 2, 2]],
  ['max', [4, 8, 2]],
])('gauges of a group are aggregated by %s', async (aggregate, expected) => {
  expect(lines(await series({ ...window, name: 'queue.size', aggregate }))).toEqual({ '': expected })
})

test('a filter selects series by attribute, resource attribute and service', async () => {
  const name = 'messages.sent'
  expect(lines(await series({ ...window, name, filter: 'topic=b' }))).toEqual({ '': [1, 1, 1] })
  expect(lines(await series({ ...window, name, filter: ['topic=b', 'service=shop'] }))).toEqual({ '': [1, 1, 1] })
  expect(lines(await series({ ...window, name, filter: 'resource.service.name=billing' }))).toEqual({ '': [2, 2, 2] })
  expect(lines(await series({ ...window, name, filter: 'topic=c' }))).toEqual({})
  const byResource = await series({ ...window, name, groupBy: 'resource.service.name' })
  expect(Object.keys(lines(byResource)).sort()).toEqual(['resource.service.name=billing', 'resource.service.name=shop'])
})

test('a histogram is returned as its quantiles per step', async () => {
  const response = await series({ ...window, name: 'latency', quantiles: '0,0.5,1' })
  expect(response.view).toBe('quantiles')
  // All in (0, 1], then all in (1, 2], then all beyond 2.
  expect(lines(response)).toEqual({
    'quantile=0': [0, 1, 2],
    'quantile=0.5': [0.5, 1.5, 2],
    'quantile=1': [1, 2, 2],
  })
})

test.each([
  ['latency_seconds_count', 'count', { '': [1, 1, 4] }],
  ['latency_seconds_sum', 'sum', { '': [0.5, 1.5, 8] }],
  [
    'latency_seconds_bucket',
    'buckets',
    { 'le=1': [1, null, null], 'le=2': [null, 1, null], 'le=Infinity': [null, null, 4] },
  ],
])('the Prometheus name %s selects the view %s of its histogram', async (name, view, expected) => {
  const response = await series({ ...window, name })
  expect(response).toMatchObject({ name: 'latency', view, rate: true })
  expect(lines(response)).toEqual(expected)
})

test('the mean view of a histogram is the mean per step', async () => {
  expect(lines(await series({ ...window, name: 'latency', view: 'mean' }))).toEqual({ '': [0.5, 1.5, 2] })
})

test('an exponential histogram downscaled between two points has correct increases', async () => {
  const response = await series({ ...window, name: 'sizes', view: 'buckets', rate: 'false' })
  expect(lines(response)).toEqual({ 'le=2': [4, null, null], 'le=4': [4, null, null], 'le=16': [null, 4, null] })
  expect(lines(await series({ ...window, name: 'sizes_bytes', quantiles: '0.5' }))).toEqual({
    'quantile=0.5': [2, 10, null],
  })
})

test('a summary is returned with the quantiles it was sent with', async () => {
  expect(lines(await series({ ...window, name: 'old.quantiles' }))).toEqual({
    'quantile=0.5': [2, 2, 2],
    'quantile=0.99': [7, 7, 7],
  })
})

test('exemplars of a series have their trace and span ids', async () => {
  const { exemplars } = await series({ ...window, name: 'latency' })
  expect(exemplars).toEqual([
    { timeUnixNano: at(18), value: 2, traceId: '', spanId: '', attributes: [], service: 'shop' },
    {
      timeUnixNano: at(19),
      value: 1.5,
      traceId: TRACE,
      spanId: SPAN,
      attributes: [kv('user', 'u1')],
      service: 'shop',
    },
  ])
})

test('a metric whose unit changed is returned in the unit of the filtered series', async () => {
  const name = 'cache.size'
  const old = { name, unit: 'KiBy', gauge: { dataPoints: [number(10, 1, topic('a')), number(10, 2, topic('b'))] } }
  const renamed = { name, unit: 'By', gauge: { dataPoints: [number(20, 3000)] } }
  const counter = {
    name,
    unit: 'By',
    sum: { isMonotonic: true, aggregationTemporality: CUMULATIVE, dataPoints: [number(20, 7)] },
  }
  await spanlink.send('/v1/metrics', encodeMetrics(metricsOf('svc-old', [old])))
  await spanlink.send('/v1/metrics', encodeMetrics(metricsOf('svc-new', [renamed])))
  await spanlink.send('/v1/metrics', encodeMetrics(metricsOf('svc-other', [counter])))
  await spanlink.stored()

  const all = await series({ ...window, name })
  expect(all.unit).toBe('KiBy')
  expect(all.variants.map(({ type, unit, seriesCount }) => [type, unit, seriesCount])).toEqual([
    ['gauge', 'KiBy', 2],
    ['gauge', 'By', 1],
    ['sum', 'By', 1],
  ])
  const ofService = await series({ ...window, name, service: 'svc-new' })
  expect([ofService.unit, lines(ofService)]).toEqual(['By', { '': [null, 3000, 3000] }])
  expect(await series({ ...window, name, unit: 'By', type: 'sum' })).toMatchObject({ type: 'sum', unit: 'By' })
  expect(await series({ ...window, name, filter: 'service=svc-new' })).toMatchObject({ type: 'gauge', unit: 'By' })
  const labels = await get<MetricLabelsResponse>('/api/metrics/labels', { name, unit: 'By', type: 'gauge' })
  expect(labels.labels[0]).toEqual({ key: 'service', values: ['svc-new'], valueCount: 1 })
})

test('histogram quantiles are limited by the reported minimum and maximum', async () => {
  const point = { ...histogram(10, [10, 0, 10], 45), min: 0.4, max: 5 }
  const name = 'bounded'
  const aggregationTemporality = DELTA
  await spanlink.send(
    '/v1/metrics',
    encodeMetrics(metricsOf('shop', [{ name, histogram: { aggregationTemporality, dataPoints: [point] } }])),
  )
  await spanlink.stored()
  const response = await series({ ...window, end: at(10), name, quantiles: '0,0.25,0.75,1' })
  expect(lines(response)).toEqual({
    'quantile=0': [0.4],
    'quantile=0.25': [0.7],
    'quantile=0.75': [3.5],
    'quantile=1': [5],
  })
})

test('scope attributes, name and version are metric labels', async () => {
  const metric = { name: 'scoped', gauge: { dataPoints: [number(10, 1)] } }
  const scopeMetrics = ['a', 'b'].map((pool) => ({
    scope: { name: 'pools', version: '2', attributes: [kv('pool', pool)] },
    metrics: [metric],
  }))
  await spanlink.send(
    '/v1/metrics',
    encodeMetrics({ resourceMetrics: [{ resource: { attributes: [kv('service.name', 'shop')] }, scopeMetrics }] }),
  )
  await spanlink.stored()
  const { labels } = await get<MetricLabelsResponse>('/api/metrics/labels', { name: 'scoped' })
  expect(labels.filter(({ key }) => key.includes('scope'))).toEqual([
    { key: 'otel.scope.name', values: ['pools'], valueCount: 1 },
    { key: 'otel.scope.version', values: ['2'], valueCount: 1 },
    { key: 'scope.pool', values: ['a', 'b'], valueCount: 2 },
  ])
  const response = await series({
    ...window,
    end: at(10),
    name: 'scoped',
    groupBy: 'scope.pool',
    filter: 'otel.scope.name=pools',
  })
  expect(lines(response)).toEqual({ 'scope.pool=a': [1], 'scope.pool=b': [1] })
})

test.each([
  ['an unknown metric', 404, { name: 'nothing' }],
  ['a rate of a gauge', 400, { name: 'queue.size', rate: 'true' }],
  ['a view of a counter', 400, { name: 'messages.sent', view: 'mean' }],
  ['buckets of a summary', 400, { name: 'old.quantiles', view: 'buckets' }],
  ['a filter without value', 400, { name: 'messages.sent', filter: 'topic' }],
  ['a quantile of 2', 400, { name: 'latency', quantiles: '2' }],
  ['too many steps', 400, { name: 'latency', step: '1ms' }],
  ['a step of 0s', 400, { name: 'latency', step: '0s' }],
  ['a group by a label that no series has', 400, { name: 'latency', groupBy: 'topik' }],
  ['a filter by a label that no series has', 400, { name: 'messages.sent', filter: 'topik=a' }],
  ['a unit that the metric never had', 404, { name: 'latency', unit: 'ms' }],
])('a series query with %s returns %i', async (_what, status, query) => {
  expect((await spanlink.get('/api/metrics/series', { ...window, ...query })).status).toBe(status)
})

type Query = Readonly<Record<string, string | readonly string[]>>

async function get<Body>(path: string, query: Query = {}): Promise<Body> {
  const { status, body } = await spanlink.get<Body>(path, query)
  expect({ status, body }).toMatchObject({ status: 200 })
  return body
}

function series(query: Query): Promise<MetricSeriesResponse> {
  return get('/api/metrics/series', query)
}

/** Values by labels. */
function lines(response: MetricSeriesResponse): Record<string, unknown> {
  return Object.fromEntries(
    response.series.map((one) => [
      one.labels.map(({ key, value }) => `${key}=${value}`).join(' '),
      one.values.map(rounded),
    ]),
  )
}

function rounded(value: string | number | null): string | number | null {
  return typeof value === 'number' ? Number(value.toFixed(9)) : value
}
