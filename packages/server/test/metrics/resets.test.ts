import type { MetricSeriesResponse } from '@spanlink/api-schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeMetrics } from '../signals/otlp-messages.ts'
import { openSpanlink, type Spanlink } from '../signals/spanlink.ts'
import { at, CUMULATIVE, histogram, metricsOf, number } from './sample-metrics.ts'

let spanlink: Spanlink
beforeAll(async () => {
  spanlink = await openSpanlink()
  await spanlink.send('/v1/metrics', encodeMetrics(metricsOf('shop', metrics)))
  await spanlink.stored()
})
afterAll(async () => {
  await spanlink?.[Symbol.asyncDispose]()
})

/** The start is optional in OTLP. */
const WITHOUT_START = { startTimeUnixNano: '0' }

/** The process restarts after 30 of 60 intervals of 10 s, each with an increase of 100. */
const counts = Array.from({ length: 61 }, (_, index) => (index < 30 ? 1_000 + index * 100 : (index - 30) * 100))

/** In its first interval, the new process counts more values in all, but fewer in the first bucket. */
const buckets = [
  [5, 1, 0],
  [7, 1, 0],
  [1, 10, 0],
  [2, 10, 0],
]

const metrics = [
  {
    name: 'restarted',
    sum: {
      isMonotonic: true,
      aggregationTemporality: CUMULATIVE,
      dataPoints: counts.map((count, index) => ({ ...number(index * 10, count), ...WITHOUT_START })),
    },
  },
  {
    name: 'restarted.sizes',
    histogram: {
      aggregationTemporality: CUMULATIVE,
      dataPoints: buckets.map((one, index) => ({ ...histogram(index * 10, one, 0), ...WITHOUT_START })),
    },
  },
]

async function increase(query: Readonly<Record<string, string>>): Promise<number | undefined> {
  const { body } = await spanlink.get<MetricSeriesResponse>('/api/metrics/series', {
    start: at(0),
    rate: 'false',
    ...query,
  })
  return body.series[0]?.values.reduce<number>((sum, value) => sum + Number(value ?? 0), 0)
}

test.each(['10s', '60s', '600s'])(
  'a counter without a start that resets has its whole increase at step %s',
  async (step) => {
    expect(await increase({ name: 'restarted', end: at(600), step })).toBe(5_900)
  },
)

test.each(['10s', '30s'])('a histogram without a start that resets has its whole increase at step %s', async (step) => {
  expect(await increase({ name: 'restarted.sizes', view: 'count', end: at(30), step })).toBe(14)
})
