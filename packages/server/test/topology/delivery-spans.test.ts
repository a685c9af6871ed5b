import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { batchOf, linkTo, processing, send, sharing, span } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'
import { findHourlyTopology, HOUR_MS } from './hourly-topology.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

test.each([
  [0, 'few', 5],
  [1, 'sampled', 300],
] as const)(
  'each message of a batch with receive, batch and message spans is counted once: hour %i, %s',
  async (hour, _, count) => {
    const at = hour * HOUR_MS
    for (let done = 0; done < count; done += 5) {
      const sent = Array.from({ length: 5 }, () => send('orders', { at: at + done * 10, for: 10 }))
      await traces.put(tracesOf('shop', [...sent, ...batchOf('orders', sent, 'g', at + done * 10 + 110)]))
    }
    const { edges: found } = await findHourlyTopology(traces.store, hour)
    const delivered = found.find(({ type }) => type === 'deliver')
    expect(delivered).toMatchObject({
      count,
      queueTimeCount: count,
      queueTimeNano: { p50: '121000000', p99: '141000000' },
    })
  },
)

test.each([
  [2, 'few', 4],
  [3, 'sampled', 500],
] as const)(
  'consumers that share the span id of their producer have queue times and no call edges: hour %i, %s',
  async (hour, _, count) => {
    const at = hour * HOUR_MS
    const roots = Array.from({ length: count }, () => span({ kind: 2, at, for: 30 }))
    const sent = roots.map((root, index) => send('orders', { at, for: 10, ...(index % 2 === 0 ? { in: root } : {}) }))
    const consumed = sent.map((one) => sharing(one, processing('orders', undefined, 'g', 'link', { at: at + 50 })))
    await traces.put(tracesOf('shop', [...roots, ...sent]))
    await traces.put(tracesOf('billing', consumed))
    const { edges: found } = await findHourlyTopology(traces.store, hour)
    expect(found.map(({ type }) => type).toSorted()).toEqual(['consume', 'deliver', 'produce'])
    expect(found.find(({ type }) => type === 'deliver')).toMatchObject({
      count,
      queueTimeCount: count,
      queueTimeNano: { p50: '40000000', p99: '40000000' },
    })
  },
)

test.each([
  [4, 'few', 4],
  [5, 'sampled', 500],
] as const)('a consumer with equal links to its producer has one queue time: hour %i, %s', async (hour, _, count) => {
  const at = hour * HOUR_MS
  const sent = Array.from({ length: count }, () => send('orders', { at, for: 10 }))
  const consumed = sent.map((one) =>
    processing('orders', undefined, 'g', 'link', { at: at + 50, links: [linkTo(one), linkTo(one), linkTo(one)] }),
  )
  await traces.put(tracesOf('shop', sent))
  await traces.put(tracesOf('billing', consumed))
  const { edges: found } = await findHourlyTopology(traces.store, hour)
  expect(found.find(({ type }) => type === 'deliver')).toMatchObject({ count, queueTimeCount: count })
})

test.each([
  [6, 'few', 5],
  [7, 'sampled', 300],
] as const)(
  'a message that was retried in place and redelivered has one queue time, of its first attempt: hour %i, %s',
  async (hour, _, count) => {
    const at = hour * HOUR_MS
    const sent = Array.from({ length: count }, () => send('orders', { at, for: 10 }))
    const consumed = sent.flatMap((one) => {
      const attributes = { 'messaging.operation.type': 'receive' }
      const receive = processing('orders', one, 'g', 'link', { at: at + 50, for: 1, attributes })
      const attempts = [60, 30_000].map((later) =>
        processing('orders', one, 'g', 'link', { at: at + later, in: receive }),
      )
      return [receive, ...attempts, processing('orders', one, 'g', 'link', { at: at + 60_000 })]
    })
    await traces.put(tracesOf('shop', sent))
    await traces.put(tracesOf('billing', consumed))
    const { edges: found } = await findHourlyTopology(traces.store, hour)
    expect(found.find(({ type }) => type === 'deliver')).toMatchObject({
      queueTimeCount: count,
      queueTimeNano: { p50: '50000000', p99: '50000000' },
    })
  },
)

test.each([
  [8, 'few', 5],
  [9, 'sampled', 300],
] as const)('each record of a bulk send has a queue time: hour %i, %s', async (hour, _, count) => {
  const at = hour * HOUR_MS
  const sent = Array.from({ length: count }, () => send('orders', { at, for: 10 }))
  const consumed = sent.flatMap((one) =>
    [1, 2].map((offset) =>
      processing('orders', one, 'g', 'link', { at: at + 10 + offset * 20, attributes: { 'kafka.offset': offset } }),
    ),
  )
  await traces.put(tracesOf('shop', sent))
  await traces.put(tracesOf('billing', consumed))
  const { edges: found } = await findHourlyTopology(traces.store, hour)
  expect(found.find(({ type }) => type === 'deliver')).toMatchObject({
    queueTimeCount: 2 * count,
    queueTimeNano: { p50: '20000000', p99: '40000000' },
  })
})
