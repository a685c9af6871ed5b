import type { FlowResponse } from '@spanlink/api-schema'
import { randomSpanId, randomTraceId, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFlow } from '../../src/query/flows/find-flow.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'
import { linkTo, polling, processing, send, span, type TestSpan } from './kafka-spans.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

type Mode = 'link' | 'parent' | 'both'

/** An order: HTTP request, payment (which sends on), stock, receipt. */
function shop(pay: Mode, stock: Mode, receipt: Mode) {
  const request = span({ name: 'POST /orders', kind: 2, at: 0, for: 30 })
  const order = send('orders', { at: 10, for: 10, in: request })
  const paying = processing('orders', order, 'payment', pay, { at: 50, for: 40 })
  const paid = send('payments', { at: 70, for: 10, in: paying })
  const reserving = processing('orders', order, 'inventory', stock, { at: 25, for: 20, status: { code: 2 } })
  const mailing = processing('payments', paid, 'email', receipt, { at: 200, for: 50 })
  return { request, order, paying, paid, reserving, mailing }
}

async function put(of: ReturnType<typeof shop>): Promise<void> {
  await traces.put(tracesOf('email', [of.mailing]))
  await traces.put(tracesOf('gateway', [of.request, of.order]))
  await traces.put(tracesOf('inventory', [of.reserving]))
  await traces.put(tracesOf('payment', [of.paying, of.paid]))
}

/** What doesn't depend on ids: lanes, edges and path by name. */
function shape(flow: FlowResponse | undefined) {
  return {
    lanes: flow?.lanes.map((lane) => [lane.rootService, lane.rootName, lane.durationNano, lane.errorCount, lane.depth]),
    edges: flow?.edges
      .map((edge) => [edge.from.name, edge.to.service, edge.role, edge.topic, edge.consumerGroup, edge.queueTimeNano])
      .toSorted(),
    path: flow?.criticalPath?.segments.map(({ kind, service, name, durationNano, topic }) => [
      kind,
      service,
      topic ?? name,
      Number(durationNano) / 1e6,
    ]),
    statistics: { ...flow?.statistics, traceCount: 0 },
  }
}

test.each<[Mode, Mode, Mode]>([
  ['link', 'link', 'link'],
  ['parent', 'parent', 'parent'],
  ['both', 'both', 'both'],
  ['link', 'parent', 'link'],
  ['parent', 'link', 'both'],
])('a flow is the same for consumers that are linked, children or both: %s %s %s', async (...modes) => {
  const of = shop(...modes)
  await put(of)
  const flow = await findFlow(traces.store, of.request.traceId, {}, {})
  expect(shape(flow)).toEqual({
    lanes: [
      ['gateway', 'POST /orders', '30000000', 0, 0],
      ['inventory', 'process orders', '20000000', 1, 1],
      ['payment', 'process orders', '40000000', 0, 1],
      ['email', 'process payments', '50000000', 0, 2],
    ],
    edges: [
      ['send orders', 'inventory', 'message', 'orders', 'inventory', '5000000'],
      ['send orders', 'payment', 'message', 'orders', 'payment', '30000000'],
      ['send payments', 'email', 'message', 'payments', 'email', '120000000'],
    ],
    path: [
      ['span', 'gateway', 'POST /orders', 10],
      ['span', 'gateway', 'send orders', 10],
      ['queue', 'payment', 'orders', 30],
      ['span', 'payment', 'process orders', 20],
      ['span', 'payment', 'send payments', 10],
      ['queue', 'email', 'payments', 120],
      ['span', 'email', 'process payments', 50],
    ],
    statistics: {
      endToEndNano: '250000000',
      // 0-45, 50-90, 200-250
      processingNano: '135000000',
      // 45-50 the order for payment, 90-200 the payment for email
      queueNano: '115000000',
      idleNano: '0',
      queueTotalNano: '155000000',
      negativeQueueTimeCount: 0,
      spanCount: 6,
      errorCount: 1,
      traceCount: 0,
    },
  })
  expect(flow?.criticalPath?.shares[0]).toEqual({
    kind: 'topic',
    name: 'payments',
    durationNano: '120000000',
    share: 0.48,
  })
  expect(flow?.truncated).toEqual({ traces: false, depth: false, fanOut: false, spans: false })
})

test('every trace of a flow opens the same flow', async () => {
  const of = shop('link', 'link', 'link')
  await put(of)
  const opened = [of.request, of.paying, of.reserving, of.mailing]
  const flows = await Promise.all(opened.map(({ traceId }) => findFlow(traces.store, traceId, {}, {})))
  for (const flow of flows) {
    expect(flow?.lanes.map((lane) => lane.id)).toEqual(flows[0]?.lanes.map((lane) => lane.id))
    expect(flow?.criticalPath).toEqual(flows[0]?.criticalPath)
  }
})

test('the critical path ends at the requested span', async () => {
  const of = shop('link', 'link', 'link')
  await put(of)
  const flow = await findFlow(traces.store, of.request.traceId, { spanId: of.reserving.spanId.toUpperCase() }, {})
  expect(flow?.criticalPath?.segments.map((segment) => segment.name)).toEqual([
    'POST /orders',
    'send orders',
    'process orders',
    'process orders',
  ])
  expect(flow?.edges.filter((edge) => edge.onCriticalPath).map((edge) => edge.to.spanId)).toEqual([of.reserving.spanId])
})

test('a batch with 500 links has 500 edges with includeJoined, and its critical path follows the first', async () => {
  const sends = Array.from({ length: 500 }, (_, index) => send('clicks', { at: index, for: 1 }))
  const batch = processing('clicks', undefined, 'reports', 'link', {
    at: 1000,
    links: sends.map((sent, index) =>
      linkTo(sent, {
        'kafka.offset': index,
        'messaging.destination.partition.id': '3',
        'kafka.cluster.id': 'c1',
        'kafka.message.key': `key-${index}`,
      }),
    ),
  })
  await traces.put(tracesOf('web', sends))
  await traces.put(tracesOf('reports', [batch]))
  const flow = await findFlow(traces.store, batch.traceId, { maxTraces: 1000, includeJoined: true }, {})
  expect(flow?.lanes).toHaveLength(501)
  expect(flow?.edges).toHaveLength(500)
  const [onPath] = flow?.edges.filter((edge) => edge.onCriticalPath) ?? []
  expect(onPath).toMatchObject({
    from: { spanId: sends[0]?.spanId },
    cluster: 'c1',
    topic: 'clicks',
    key: 'key-0',
    partition: '3',
    offset: '0',
    consumerGroup: 'reports',
  })
})

test('pages of a flow contain each lane and edge once', async () => {
  const sends = Array.from({ length: 50 }, (_, index) => send('clicks', { at: index, for: 1 }))
  const batch = processing('clicks', undefined, 'reports', 'link', {
    at: 1000,
    links: sends.map((sent) => linkTo(sent)),
  })
  await traces.put(tracesOf('web', [...sends, batch]))
  const lanes: string[] = []
  const edges: string[] = []
  const hidden: number[] = []
  let cursor: string | undefined
  let pages = 0
  do {
    const flow: FlowResponse | undefined = await findFlow(
      traces.store,
      batch.traceId,
      { maxTraces: 20, includeJoined: true, cursor },
      {},
    )
    hidden.push(...(flow?.lanes.filter((lane) => lane.id === batch.traceId).map((lane) => lane.hiddenLinks) ?? []))
    expect(flow?.truncated.traces).toBe(flow?.nextCursor !== undefined)
    lanes.push(...(flow?.lanes.map((lane) => lane.id) ?? []))
    edges.push(...(flow?.edges.map((edge) => edge.id) ?? []))
    cursor = flow?.nextCursor
    pages++
  } while (cursor !== undefined)
  expect(pages).toBe(3)
  expect(hidden).toEqual([31])
  expect(new Set(lanes).size).toBe(51)
  expect(lanes).toHaveLength(51)
  expect(new Set(edges).size).toBe(50)
  expect(edges).toHaveLength(50)
})

test('consumers of a producer that is not stored are one flow with the producer trace as missing', async () => {
  const lost = { traceId: randomTraceId(), spanId: randomSpanId() } as TestSpan
  const one = processing('orders', lost, 'a', 'link', { at: 0 })
  const other = processing('orders', lost, 'b', 'link', { at: 5 })
  await traces.put(tracesOf('shop', [one, other]))
  const flow = await findFlow(traces.store, one.traceId, {}, {})
  expect(flow?.missingTraceIds).toEqual([lost.traceId])
  expect(flow?.lanes.map((lane) => [lane.traceId, lane.depth])).toEqual([
    [one.traceId, 0],
    [other.traceId, 2],
  ])
  expect(flow?.edges.map((edge) => [edge.from.laneId, edge.from.service, edge.queueTimeNano])).toEqual([
    [null, '', null],
    [null, '', null],
  ])
  // The producer arrives late, in a trace that starts before it.
  const request = span({ traceId: lost.traceId, name: 'POST', kind: 2, at: -20 })
  await traces.put(tracesOf('shop', [request, send('orders', { in: request, at: -15, for: 5, spanId: lost.spanId })]))
  const whole = await findFlow(traces.store, one.traceId, {}, {})
  expect(whole?.missingTraceIds).toEqual([])
  expect(whole?.edges.map((edge) => edge.queueTimeNano).toSorted()).toEqual(['10000000', '15000000'])
  expect(whole?.lanes[0]).toMatchObject({ traceId: lost.traceId, rootName: 'POST', depth: 1 })
})

test('a child of a producer that is not stored has its own lane and an edge without a source', async () => {
  const lost = { traceId: randomTraceId(), spanId: randomSpanId() } as TestSpan
  const consumer = processing('orders', lost, 'a', 'parent', { at: 0 })
  await traces.put(tracesOf('shop', [consumer]))
  const flow = await findFlow(traces.store, lost.traceId, {}, {})
  expect(flow?.lanes.map((lane) => lane.id)).toEqual([`${lost.traceId}-${consumer.spanId}`])
  expect(flow?.edges).toMatchObject([
    { via: 'parent', role: 'message', from: { laneId: null }, to: { service: 'shop' } },
  ])
  expect(flow?.missingTraceIds).toEqual([])
})

test('circular links are traversed once', async () => {
  const a = span({ at: 0 })
  const b = span({ at: 5, links: [linkTo(a)] })
  const back = { ...a, links: [linkTo(b), linkTo(a)] }
  await traces.put(tracesOf('circle', [back, b]))
  const flow = await findFlow(traces.store, a.traceId, {}, {})
  expect(flow?.lanes).toHaveLength(2)
  expect(flow?.edges).toHaveLength(3)
  expect(flow?.edges.every((edge) => edge.role === 'link')).toBe(true)
  expect(flow?.criticalPath?.durationNano).toBe('15000000')
})

test('a chain of links is truncated at the requested depth and marked as truncated', async () => {
  const chain: TestSpan[] = []
  for (let hop = 0; hop < 6; hop++) {
    const last = chain.at(-1)
    chain.push(span({ at: hop * 20, ...(last && { links: [linkTo(last)] }) }))
  }
  await traces.put(tracesOf('chain', chain))
  const flow = await findFlow(traces.store, chain[0]?.traceId ?? '', { maxDepth: 3 }, {})
  expect(flow?.lanes.map((lane) => lane.depth)).toEqual([0, 1, 2, 3])
  expect(flow?.lanes[3]?.hiddenLinks).toBe(1)
  expect(flow?.truncated).toMatchObject({ depth: true, traces: false })
  expect(flow?.nextCursor).toBeUndefined()
})

test('the queue time of a consumer that starts before the send is acknowledged counts from the send start', async () => {
  const request = span({ name: 'POST', kind: 2, at: 0, for: 5 })
  const sent = send('orders', { at: 5, for: 20, in: request })
  const consumer = processing('orders', sent, 'a', 'link', { at: 15, for: 30 })
  await traces.put(tracesOf('shop', [request, sent, consumer]))
  const flow = await findFlow(traces.store, request.traceId, {}, {})
  expect(flow?.edges[0]?.queueTimeNano).toBe('10000000')
  expect(flow?.statistics).toMatchObject({
    negativeQueueTimeCount: 0,
    queueTotalNano: '10000000',
    processingNano: '45000000',
  })
  expect(flow?.criticalPath?.segments.map(({ name, durationNano }) => [name, Number(durationNano) / 1e6])).toEqual([
    ['POST', 5],
    ['send orders', 10],
    ['process orders', 30],
  ])
})

test('a consumer that starts before the send has a negative queue time and counts as clock skew', async () => {
  const sent = send('orders', { at: 20, for: 5 })
  const consumer = processing('orders', sent, 'a', 'link', { at: 15, for: 30 })
  await traces.put(tracesOf('shop', [sent, consumer]))
  const flow = await findFlow(traces.store, sent.traceId, {}, {})
  expect(flow?.edges[0]?.queueTimeNano).toBe('-5000000')
  expect(flow?.statistics).toMatchObject({ negativeQueueTimeCount: 1, queueTotalNano: '0' })
})

test('a poll that waits for its message is on the critical path from the arrival of the message', async () => {
  const sent = send('orders', { at: 100, for: 5 })
  const poll = polling('orders', sent, { at: 0, for: 110 })
  await traces.put(tracesOf('shop', [sent, poll]))
  const flow = await findFlow(traces.store, poll.traceId, {}, {})
  expect(flow?.criticalPath?.segments.map(({ name, durationNano }) => [name, Number(durationNano) / 1e6])).toEqual([
    ['send orders', 5],
    ['poll orders', 5],
  ])
  expect(flow?.edges[0]?.queueTimeNano).toBe('0')
  expect(flow?.statistics.negativeQueueTimeCount).toBe(0)
})

test('a message that carries the context of its outbox row is connected to the request', async () => {
  const request = span({ name: 'POST', kind: 2, at: 0, for: 20 })
  const relay = send('orders', { at: 100, for: 10, kind: 3, links: [linkTo(request)] })
  const consumer = processing('orders', request, 'a', 'both', { at: 150 })
  await traces.put(tracesOf('gateway', [request]))
  await traces.put(tracesOf('relay', [relay]))
  await traces.put(tracesOf('shop', [consumer]))
  const flow = await findFlow(traces.store, request.traceId, {}, {})
  expect(flow?.edges.map((edge) => [edge.role, edge.via, edge.to.service, edge.queueTimeNano]).toSorted()).toEqual([
    ['creation', 'link', 'relay', '80000000'],
    ['message', 'both', 'shop', '130000000'],
  ])
  expect(flow?.lanes).toHaveLength(3)
})

test('a consumer inside a span of its own process stays in the lane of that span', async () => {
  const sent = send('orders', { at: 0 })
  const job = span({ name: 'job', at: 5, for: 100 })
  const consumer = processing('orders', sent, 'a', 'link', { at: 50, in: job })
  await traces.put(tracesOf('shop', [sent, job, consumer]))
  const flow = await findFlow(traces.store, job.traceId, { spanId: consumer.spanId }, {})
  expect(flow?.lanes.map((lane) => lane.rootName)).toEqual(['send orders', 'job'])
  expect(flow?.edges).toMatchObject([{ via: 'link', queueTimeNano: '40000000' }])
  expect(flow?.criticalPath?.segments.map((segment) => segment.kind)).toEqual(['span', 'queue', 'span'])
})

test('spans sent twice are once in a flow', async () => {
  const of = shop('link', 'parent', 'both')
  await put(of)
  await put(of)
  const flow = await findFlow(traces.store, of.request.traceId, {}, {})
  expect(flow?.lanes.reduce((sum, lane) => sum + lane.spanCount, 0)).toBe(6)
  expect(flow?.edges).toHaveLength(3)
})

test('equal links of one span are one edge of a flow', async () => {
  const sent = send('orders', { at: 0 })
  const links = [linkTo(sent), linkTo(sent), linkTo(sent)]
  await traces.put(tracesOf('shop', [sent]))
  await traces.put(tracesOf('billing', [processing('orders', undefined, 'g', 'link', { at: 50, links })]))
  const flow = await findFlow(traces.store, sent.traceId, {}, {})
  expect(flow?.edges.map(({ from, to }) => [from.service, to.service])).toEqual([['shop', 'billing']])
})

test('a flow of an unknown trace is undefined', async () => {
  expect(await findFlow(traces.store, randomTraceId(), {}, {})).toBeUndefined()
})
