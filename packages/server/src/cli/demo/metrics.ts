import { type Attributes, type DemoSpan, type MetricPoint, toKeyValues, toNano } from './otlp.ts'

/** Metrics that services would report: computed from their spans, cumulative as SDKs send them. */
export type Metrics = {
  readonly add: (span: DemoSpan) => void
  /** All series at a time, in milliseconds since the epoch. */
  readonly collect: (timeMs: number) => readonly MetricPoint[]
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/** Exemplars are kept for this long: one of each series. */
const EXEMPLAR_INTERVAL_MS = 120_000

type Exemplar = { readonly timeMs: number; readonly value: number; readonly span: DemoSpan }
type Histogram = {
  readonly service: string
  readonly name: string
  readonly attributes: Attributes
  readonly counts: number[]
  sum: number
  /** The slowest of the interval: the one that somebody opens. */
  exemplar: Exemplar | undefined
}
type Counter = Pick<Histogram, 'service' | 'name' | 'attributes'> & { value: number }

/** Consumer groups by topic, whose lag is reported. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  orders: ['payment', 'inventory', 'loyalty'],
  payments: ['shipping', 'fraud', 'email'],
  invoices: ['billing'],
  stock: ['shipping'],
  'payments.retry': ['fraud'],
  'payments.dlq': ['review'],
}

export function createMetrics(startMs: number): Metrics {
  const histograms = new Map<string, Histogram>()
  const counters = new Map<string, Counter>()
  const sent = new Map<string, number>()
  const consumed = new Map<string, number>()
  let exemplarMs = startMs + EXEMPLAR_INTERVAL_MS
  const sentMsBySpan = new Map<string, number>()

  const count = (service: string, name: string, attributes: Attributes, value: number): void => {
    const key = JSON.stringify([service, name, attributes])
    const counter = counters.get(key) ?? { service, name, attributes, value: 0 }
    counter.value += value
    counters.set(key, counter)
  }
  const observe = (name: string, span: DemoSpan, attributes: Attributes, seconds: number): void => {
    const key = JSON.stringify([span.service, name, attributes])
    const empty = { service: span.service, name, attributes, counts: Array(SECONDS.length + 1).fill(0), sum: 0 }
    const histogram: Histogram = histograms.get(key) ?? { ...empty, exemplar: undefined }
    histograms.set(key, histogram)
    const bucket = SECONDS.findIndex((bound) => seconds <= bound)
    const index = bucket === -1 ? SECONDS.length : bucket
    histogram.counts[index] = (histogram.counts[index] ?? 0) + 1
    histogram.sum += seconds
    const exemplar = { timeMs: span.endMs, value: seconds, span }
    if (exemplar.value > (histogram.exemplar?.value ?? -1)) histogram.exemplar = exemplar
  }

  return {
    add: (span) => {
      const { attributes } = span
      const topic = String(attributes['messaging.destination.name'] ?? '')
      const seconds = (span.endMs - span.startMs) / 1000
      if (span.kind === 'server') {
        const route = { 'http.request.method': 'POST', 'http.route': '/orders', 'http.response.status_code': 202 }
        observe('http.server.request.duration', span, route, seconds)
      } else if (span.kind === 'producer') {
        const labels = describe(topic)
        observe('messaging.client.operation.duration', span, { ...labels, 'messaging.operation.name': 'send' }, seconds)
        count(span.service, 'messaging.client.sent.messages', labels, 1)
        sent.set(topic, (sent.get(topic) ?? 0) + 1)
        sentMsBySpan.set(span.spanId, span.endMs)
        // Consumers take a message within minutes.
        if (sentMsBySpan.size > 20_000)
          for (const id of [...sentMsBySpan.keys()].slice(0, 5000)) sentMsBySpan.delete(id)
      } else if (span.kind === 'consumer') {
        const group = String(attributes['messaging.consumer.group.name'])
        const labels = describe(topic, group)
        const failed = span.error === undefined ? labels : { ...labels, 'error.type': 'Error' }
        observe('messaging.process.duration', span, failed, seconds)
        const links = span.links ?? []
        count(span.service, 'messaging.client.consumed.messages', labels, links.length)
        for (const { spanId } of links) {
          const sentMs = sentMsBySpan.get(spanId)
          if (sentMs === undefined) continue
          observe('kafka.consumer.end_to_end.duration', span, labels, (span.startMs - sentMs) / 1000)
        }
        consumed.set(`${topic} ${group}`, (consumed.get(`${topic} ${group}`) ?? 0) + links.length)
      }
    },
    collect: (timeMs) => {
      const isExemplarDue = timeMs >= exemplarMs
      if (isExemplarDue) exemplarMs = timeMs + EXEMPLAR_INTERVAL_MS
      const points = [
        ...[...histograms.values()].map((histogram) => toHistogram(histogram, startMs, timeMs, isExemplarDue)),
        ...[...counters.values()].map((counter) => toCounter(counter, startMs, timeMs)),
        ...collectLag(sent, consumed, timeMs),
        ...collectRuntime(timeMs),
      ]
      if (isExemplarDue) for (const histogram of histograms.values()) histogram.exemplar = undefined
      return points
    },
  }
}

function describe(topic: string, group?: string): Attributes {
  return {
    'messaging.system.name': 'kafka',
    'messaging.destination.name': topic,
    ...(group !== undefined && { 'messaging.consumer.group.name': group }),
  }
}

function toHistogram(histogram: Histogram, startMs: number, timeMs: number, hasExemplar: boolean): MetricPoint {
  const { service, name, attributes, counts, sum, exemplar } = histogram
  const point = {
    startTimeUnixNano: toNano(startMs),
    timeUnixNano: toNano(timeMs),
    attributes: toKeyValues(attributes),
    count: String(counts.reduce((total, one) => total + one, 0)),
    sum,
    explicitBounds: SECONDS,
    bucketCounts: counts.map(String),
    exemplars: hasExemplar && exemplar !== undefined ? [toExemplar(exemplar)] : [],
  }
  return { service, name, unit: 's', data: { histogram: { aggregationTemporality: 2, dataPoints: [point] } } }
}

function toExemplar({ timeMs, value, span }: Exemplar): object {
  return { timeUnixNano: toNano(timeMs), asDouble: value, traceId: span.traceId, spanId: span.spanId }
}

function toCounter({ service, name, attributes, value }: Counter, startMs: number, timeMs: number): MetricPoint {
  const point = { startTimeUnixNano: toNano(startMs), ...toPoint(timeMs, value, attributes) }
  const sum = { aggregationTemporality: 2, isMonotonic: true, dataPoints: [point] }
  return { service, name, unit: '{message}', data: { sum } }
}

/** Service that consumes with a group: they have the same names. */
function collectLag(
  sent: ReadonlyMap<string, number>,
  consumed: ReadonlyMap<string, number>,
  timeMs: number,
): readonly MetricPoint[] {
  return Object.entries(GROUPS).flatMap(([topic, groups]) =>
    groups.map((group) => {
      const lag = Math.max(0, (sent.get(topic) ?? 0) - (consumed.get(`${topic} ${group}`) ?? 0))
      const dataPoints = [toPoint(timeMs, lag, describe(topic, group))]
      const sum = { aggregationTemporality: 2, isMonotonic: false, dataPoints }
      return { service: group, name: 'kafka.consumer.lag', unit: '{message}', data: { sum } }
    }),
  )
}

const SERVICES = ['gateway', 'payment', 'inventory', 'shipping', 'fraud', 'email', 'billing', 'loyalty', 'review']

function collectRuntime(timeMs: number): readonly MetricPoint[] {
  return SERVICES.flatMap((service, index) => {
    const wave = Math.sin(timeMs / 240_000 + index)
    const memory = toPoint(timeMs, Math.round((74 + index * 9 + 11 * wave) * 2 ** 20), {})
    // Ends of its life: the group that takes nothing has nothing to do.
    const utilization = service === 'loyalty' ? 0.004 : 0.12 + 0.05 * wave + index * 0.013
    return [
      { service, name: 'process.memory.usage', unit: 'By', data: { gauge: { dataPoints: [memory] } } },
      {
        service,
        name: 'nodejs.eventloop.utilization',
        unit: '1',
        data: { gauge: { dataPoints: [toPoint(timeMs, utilization, {})] } },
      },
    ]
  })
}

function toPoint(timeMs: number, value: number, attributes: Attributes): object {
  const number = Number.isInteger(value) ? { asInt: String(value) } : { asDouble: value }
  return { timeUnixNano: toNano(timeMs), attributes: toKeyValues(attributes), ...number }
}
