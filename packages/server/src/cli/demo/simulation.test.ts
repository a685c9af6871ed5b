import { expect, test } from 'vitest'
import type { DemoSpan } from './otlp.ts'
import { startSimulation } from './simulation.ts'

const START_MS = 1_800_000_000_000
const MINUTE_MS = 60_000

function simulate(minutes: number, seed = 42) {
  const options = { startMs: START_MS, rate: 2, stuckMs: START_MS + 5 * MINUTE_MS, seed }
  const simulation = startSimulation(options)
  const nowMs = START_MS + minutes * MINUTE_MS
  return { ...simulation.advance(nowMs), nowMs, simulation }
}

const consumed = (spans: readonly DemoSpan[], group: string): readonly DemoSpan[] =>
  spans.filter(({ attributes }) => attributes['messaging.consumer.group.name'] === group)

test('nothing is exported before its time, and everything after it', () => {
  const { spans, logs, nowMs, simulation } = simulate(10)
  expect(Math.max(...spans.map(({ endMs }) => endMs))).toBeLessThanOrEqual(nowMs)
  expect(Math.max(...logs.map(({ timeMs }) => timeMs))).toBeLessThanOrEqual(nowMs)
  const later = simulation.advance(nowMs + MINUTE_MS)
  expect(Math.min(...later.spans.map(({ endMs }) => endMs))).toBeGreaterThan(nowMs)
})

test('orders come at the rate, and every link leads to a send span that ended before', () => {
  const { spans } = simulate(20)
  const requests = spans.filter(({ kind }) => kind === 'server')
  expect(requests.length).toBeGreaterThan(2 * 20 * 60 * 0.9)
  expect(requests.length).toBeLessThan(2 * 20 * 60 * 1.1)
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const links = spans.flatMap((span) => (span.links ?? []).map((link) => ({ span, target: byId.get(link.spanId) })))
  expect(links.length).toBeGreaterThan(requests.length * 5)
  expect(links.filter(({ span, target }) => target?.kind !== 'producer' || target.endMs > span.startMs)).toEqual([])
})

test('there are retried, dead-lettered and redelivered messages, batches, late messages and a stuck group', () => {
  const { spans } = simulate(30)
  const named = (name: string): number => spans.filter((span) => span.name === name).length
  expect(named('process payments.retry')).toBeGreaterThan(20)
  expect(named('process payments.dlq')).toBeGreaterThan(20)
  const inventory = consumed(spans, 'inventory').map((span) => span.links?.[0]?.spanId)
  expect(inventory.length - new Set(inventory).size).toBeGreaterThan(20)
  expect(Math.max(...consumed(spans, 'email').map(({ links = [] }) => links.length))).toBeGreaterThan(5)
  const sentMs = new Map(spans.filter(({ kind }) => kind === 'producer').map((span) => [span.spanId, span.endMs]))
  const waits = consumed(spans, 'billing').map(
    (span) => span.startMs - (sentMs.get(span.links?.[0]?.spanId ?? '') ?? 0),
  )
  expect(Math.min(...waits)).toBeGreaterThan(10_000)
  const loyalty = consumed(spans, 'loyalty')
  expect(loyalty.length).toBeGreaterThan(400)
  expect(Math.max(...loyalty.map(({ startMs }) => startMs))).toBeLessThan(START_MS + 6 * MINUTE_MS)
})

test('the lag of the stuck group grows, and exemplars point at exported spans', () => {
  const { points, spans } = simulate(30)
  type Sum = { readonly sum: { readonly dataPoints: readonly { readonly asInt: string }[] } }
  const lag = points.filter(({ service, name }) => service === 'loyalty' && name === 'kafka.consumer.lag')
  const values = lag.map(({ data }) => Number((data as Sum).sum.dataPoints[0]?.asInt))
  expect(values[10]).toBeLessThan(10)
  expect(values.at(-1)).toBeGreaterThan(2500)
  const traces = new Set(spans.map(({ traceId }) => traceId))
  const exemplars = [...JSON.stringify(points).matchAll(/"traceId":"([0-9a-f]{32})"/g)].map(([, id]) => id)
  expect(exemplars.length).toBeGreaterThan(50)
  expect(exemplars.filter((id) => !traces.has(id!))).toEqual([])
})

test('the same seed tells the same stories', () => {
  const names = (seed: number): readonly string[] =>
    simulate(5, seed).spans.map(({ name, startMs }) => `${startMs} ${name}`)
  expect(names(7)).toEqual(names(7))
  expect(names(7)).not.toEqual(names(8))
})
