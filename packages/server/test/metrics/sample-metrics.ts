import { kv } from '@spanlink/testkit/otlp'

const T = 1_795_132_800n
export const TRACE = 'ab'.repeat(16)
export const SPAN = 'cd'.repeat(8)
export const DELTA = 1
export const CUMULATIVE = 2

/** Seconds after T, in Unix nanoseconds. */
export const at = (seconds: number): string => `${T + BigInt(seconds)}000000000`
export const number = (seconds: number, asDouble: number, more: object = {}) => ({
  timeUnixNano: at(seconds),
  startTimeUnixNano: at(0),
  asDouble,
  ...more,
})
export const topic = (name: string) => ({ attributes: [kv('topic', name)] })

export const shop = [
  {
    name: 'messages.sent',
    unit: '{message}',
    description: 'Messages sent',
    sum: {
      isMonotonic: true,
      aggregationTemporality: CUMULATIVE,
      dataPoints: [
        number(10, 100, topic('a')),
        number(20, 150, topic('a')),
        // A new process starts at 0 at second 25.
        { ...number(30, 20, topic('a')), startTimeUnixNano: at(25) },
        number(10, 10, topic('b')),
        number(20, 20, topic('b')),
        number(30, 30, topic('b')),
        // A duplicate point, as an exporter sends after a lost response.
        number(30, 30, topic('b')),
      ],
    },
  },
  {
    name: 'queue.size',
    unit: '1',
    gauge: {
      dataPoints: [
        number(10, 4, topic('a')),
        number(20, 8, topic('a')),
        { ...number(30, 0, topic('a')), flags: 1 },
        number(10, 2, topic('b')),
      ],
    },
  },
  {
    name: 'latency',
    unit: 's',
    histogram: {
      aggregationTemporality: CUMULATIVE,
      dataPoints: [
        histogram(10, [10, 0, 0], 5),
        {
          ...histogram(20, [10, 10, 0], 20),
          exemplars: [
            {
              timeUnixNano: at(19),
              asDouble: 1.5,
              traceId: TRACE,
              spanId: SPAN,
              filteredAttributes: [kv('user', 'u1')],
            },
            { timeUnixNano: at(18), asInt: '2' },
          ],
        },
        histogram(30, [10, 10, 40], 100),
      ],
    },
  },
  {
    name: 'sizes',
    unit: 'By',
    exponentialHistogram: {
      aggregationTemporality: CUMULATIVE,
      dataPoints: [
        // Scale 0: buckets (1, 2], (2, 4]; then downscaled to (1, 4] and four more in (4, 16].
        exponential(10, 0, 0, [4, 4]),
        exponential(20, -1, 0, [8, 4]),
      ],
    },
  },
  {
    name: 'old.quantiles',
    summary: {
      dataPoints: [
        {
          timeUnixNano: at(10),
          count: '4',
          sum: 8,
          quantileValues: [
            { quantile: 0.5, value: 2 },
            { quantile: 0.99, value: 7 },
          ],
        },
      ],
    },
  },
]

export const billing = [
  {
    name: 'invoices',
    sum: {
      isMonotonic: true,
      aggregationTemporality: DELTA,
      dataPoints: [10, 20, 30].map((seconds) => ({
        ...number(seconds, seconds, topic('a')),
        startTimeUnixNano: at(seconds - 10),
      })),
    },
  },
  {
    name: 'open.invoices',
    sum: { aggregationTemporality: CUMULATIVE, dataPoints: [number(10, 5), number(20, 3)] },
  },
  {
    name: 'messages.sent',
    unit: '{message}',
    sum: { isMonotonic: true, aggregationTemporality: CUMULATIVE, dataPoints: [number(30, 60)] },
  },
]

export function histogram(seconds: number, bucketCounts: readonly number[], sum: number): object {
  return {
    timeUnixNano: at(seconds),
    startTimeUnixNano: at(0),
    count: String(bucketCounts.reduce((a, b) => a + b, 0)),
    sum,
    bucketCounts: bucketCounts.map(String),
    explicitBounds: [1, 2],
  }
}

function exponential(seconds: number, scale: number, offset: number, bucketCounts: readonly number[]): object {
  return {
    timeUnixNano: at(seconds),
    startTimeUnixNano: at(0),
    count: String(bucketCounts.reduce((a, b) => a + b, 0)),
    scale,
    positive: { offset, bucketCounts: bucketCounts.map(String) },
  }
}

export function metricsOf(service: string, metrics: readonly object[]): object {
  return { resourceMetrics: [{ resource: { attributes: [kv('service.name', service)] }, scopeMetrics: [{ metrics }] }] }
}
