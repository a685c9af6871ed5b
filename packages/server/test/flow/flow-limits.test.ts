import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFlow } from '../../src/query/flows/find-flow.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'
import { linkTo, processing, send, span, type TestSpan } from './kafka-spans.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

/** A consumer of the message with links to it, each with an offset of its own. */
function batch(sent: TestSpan, size: number, at: number): TestSpan {
  const links = Array.from({ length: size }, (_, offset) => linkTo(sent, { 'kafka.offset': offset }))
  return processing('orders', undefined, 'payment', 'link', { at, links })
}

async function putSteps(parent: TestSpan, count: number): Promise<void> {
  const chunk = 10_000
  for (let from = 0; from < count; from += chunk) {
    const steps = Array.from({ length: Math.min(chunk, count - from) }, (_, at) => span({ at: from + at, in: parent }))
    await traces.put(tracesOf('gateway', steps))
  }
}

const LONG = 'a long value of a span. '.repeat(40_000)

test('a flow with more than 20,000 links at a level is marked as truncated', async () => {
  const sent = send('orders', { at: 0 })
  await traces.put(tracesOf('gateway', [sent]))
  for (const at of [100, 200]) await traces.put(tracesOf('payment', [batch(sent, 9_900, at)]))
  const below = await findFlow(traces.store, sent.traceId, {}, {})
  expect(below?.truncated).toEqual({ traces: false, depth: false, fanOut: false, spans: false })
  expect(below?.edges).toHaveLength(19_800)
  await traces.put(tracesOf('payment', [batch(sent, 201, 300)]))
  const above = await findFlow(traces.store, sent.traceId, {}, {})
  expect(above?.truncated).toEqual({ traces: false, depth: false, fanOut: true, spans: false })
}, 60_000)

test.each([20_001, 60_000])(
  'a flow with a trace of %i spans has its first 20,000 spans, and all traces linked to them',
  async (count) => {
    const sent = send('orders', { at: 0, for: 5 })
    const paying = processing('orders', sent, 'payment', 'link', { at: 100 })
    await traces.put(tracesOf('gateway', [sent]))
    await putSteps(sent, count - 1)
    await traces.put(tracesOf('payment', [paying]))
    for (const { traceId } of [sent, paying]) {
      const flow = await findFlow(traces.store, traceId, {}, {})
      expect(flow?.truncated).toEqual({ traces: false, depth: false, fanOut: false, spans: true })
      expect(flow?.lanes.map(({ spanCount }) => spanCount)).toEqual([20_000, 1])
      expect(flow?.lanes[0]?.endTimeUnixNano).toBe(String(BigInt(sent.startTimeUnixNano ?? 0) + 20_008_000_000n))
      expect(flow?.edges).toMatchObject([{ topic: 'orders', consumerGroup: 'payment', queueTimeNano: '95000000' }])
    }
  },
  120_000,
)

test('a flow is complete if its traces have more attributes than one result', async () => {
  const request = span({ at: 0, for: 1000, attributes: { text: LONG } })
  const sent = Array.from({ length: 40 }, (_, at) => send('orders', { at, in: request, attributes: { text: LONG } }))
  const paying = sent.map((one, at) =>
    processing('orders', one, 'payment', 'link', { at: 100 + at, attributes: { text: LONG } }),
  )
  for (const one of [request, ...sent, ...paying]) await traces.put(tracesOf('shop', [one]))
  for (const { traceId } of [request, ...paying.slice(-1)]) {
    const flow = await findFlow(traces.store, traceId, {}, {})
    expect(flow?.complete).toBe(true)
    expect(flow?.lanes.map(({ spanCount }) => spanCount)).toEqual([41, ...paying.map(() => 1)])
    expect(flow?.edges.map(({ topic }) => topic)).toEqual(paying.map(() => 'orders'))
  }
}, 120_000)
