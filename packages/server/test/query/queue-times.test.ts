import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findLinks } from '../../src/query/links/find-links.ts'
import { findSpan, findTrace } from '../../src/query/traces/by-id/trace.ts'
import { polling, processing, send, span } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from './stored-traces.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

test.each([
  ['after the send', 40, '20000000'],
  ['before its acknowledgement', 15, '5000000'],
  ['before the send started', 7, '-3000000'],
])('a consumer that is a child of its producer and started %s has a queue time', async (_, at, expected) => {
  const sent = send('orders', { at: 10, for: 10 })
  const consumer = processing('orders', sent, 'a', 'parent', { at })
  const inner = span({ at: at + 1, in: consumer })
  await traces.put(tracesOf('shop', [sent, consumer, inner]))
  const trace = await findTrace(traces.store, sent.traceId, {})
  const times = trace?.spans.flatMap(({ spanId, queueTimeNano }) =>
    queueTimeNano === undefined ? [] : [[spanId, queueTimeNano]],
  )
  expect(times).toEqual([[consumer.spanId, expected]])
  const { traceId, spanId } = consumer
  expect((await findSpan(traces.store, { traceId, spanId }, {}, {}))?.span.queueTimeNano).toBe(expected)
})

test('a poll that waited for its message has a queue time of 0 at both ends of the link', async () => {
  const sent = send('orders', { at: 100, for: 5 })
  const poll = polling('orders', sent, { at: 0, for: 110 })
  await traces.put(tracesOf('shop', [sent, poll]))
  expect((await findTrace(traces.store, poll.traceId, {}))?.spans[0]?.links[0]?.queueTimeNano).toBe('0')
  for (const { traceId } of [sent, poll]) {
    expect((await findLinks(traces.store, traceId, {}, {}))?.links[0]?.queueTimeNano).toBe('0')
  }
})
