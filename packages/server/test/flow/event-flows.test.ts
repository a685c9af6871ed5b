import type { FlowResponse } from '@spanlink/api-schema'
import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFlow } from '../../src/query/flows/find-flow.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'
import { batchOf, linkTo, processing, send, sharing, span, type TestSpan } from './kafka-spans.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

async function flowOf(of: TestSpan, query: Parameters<typeof findFlow>[2] = {}): Promise<FlowResponse> {
  const flow = await findFlow(traces.store, of.traceId, query, {})
  if (flow === undefined) throw new Error('no flow')
  return flow
}

const lanesOf = (flow: FlowResponse): string[] => flow.lanes.map((lane) => `${lane.rootService} ${lane.rootName}`)

function order(at: number, topic: string) {
  const request = span({ name: `POST ${at}`, kind: 2, at, for: 30 })
  return { request, sent: send(topic, { at: at + 10, for: 5, in: request }) }
}

/** Two orders consumed by one batch span, which sends one message. */
async function putBatch() {
  const [one, two] = [order(0, 'clicks'), order(2, 'clicks')]
  const batch = processing('clicks', undefined, 'reports', 'link', {
    at: 100,
    for: 50,
    links: [linkTo(one.sent), linkTo(two.sent)],
  })
  const report = send('summaries', { at: 120, for: 5, in: batch })
  const mail = processing('summaries', report, 'mail', 'link', { at: 200 })
  const other = processing('clicks', two.sent, 'audit', 'link', { at: 300 })
  await traces.put(tracesOf('web', [one.request, one.sent, two.request, two.sent]))
  await traces.put(tracesOf('reports', [batch, report]))
  await traces.put(tracesOf('mail', [mail]))
  await traces.put(tracesOf('audit', [other]))
  return { one, two, batch, mail, other }
}

test('the flow of an order excludes other orders of the same batch and their other consumers', async () => {
  const { one, two, batch } = await putBatch()
  const flow = await flowOf(one.request)
  expect(lanesOf(flow)).toEqual(['web POST 0', 'reports process clicks', 'mail process summaries'])
  expect(flow.lanes.find((lane) => lane.traceId === batch.traceId)?.joinedWith).toEqual({
    count: 1,
    examples: [{ traceId: two.sent.traceId, spanId: two.sent.spanId, rootService: 'web', rootName: 'POST 2' }],
  })
  expect(flow.origins).toMatchObject([{ traceId: one.request.traceId, rootService: 'web', rootName: 'POST 0' }])
  expect(flow.originCount).toBe(1)
  expect(flow.missingTraceIds).toEqual([])
  expect(flow.complete).toBe(true)
  expect((await flowOf(one.request, { maxTraces: 1 })).complete).toBe(false)
})

test('a flow opened at a batch or below it follows the first event and lists the others as origins', async () => {
  const { one, two, batch, mail } = await putBatch()
  for (const opened of [batch, mail]) {
    const flow = await flowOf(opened)
    expect(lanesOf(flow)).toEqual(['web POST 0', 'reports process clicks', 'mail process summaries'])
    expect(flow.title).toEqual({
      service: 'web',
      name: 'POST 0',
      traceId: one.request.traceId,
      spanId: one.request.spanId,
    })
    expect(flow.origins.map(({ traceId }) => traceId)).toEqual([one.request.traceId, two.request.traceId])
    expect(flow.originCount).toBe(2)
    expect(flow.criticalPath?.segments[0]).toMatchObject({ name: 'POST 0', spanId: one.request.spanId })
  }
})

test('includeJoined adds the traces of joined events up to their origins, without their other consumers', async () => {
  const { one } = await putBatch()
  const flow = await flowOf(one.request, { includeJoined: true })
  expect(lanesOf(flow)).toEqual(['web POST 0', 'web POST 2', 'reports process clicks', 'mail process summaries'])
  expect(flow.lanes.every((lane) => lane.joinedWith === undefined)).toBe(true)
  expect(flow.edges).toHaveLength(3)
  // The other event's message was sent last, yet the critical path starts at this event.
  expect(flow.criticalPath?.segments[0]).toMatchObject({ name: 'POST 0', spanId: one.request.spanId })
})

/** A batch whose messages are processed one by one, each sending on, inside one trace. */
async function putOneByOne() {
  const orders = [0, 2, 4].map((at) => order(at, 'orders'))
  const poll = span({
    name: 'poll orders',
    kind: 3,
    at: 50,
    for: 100,
    links: orders.map(({ sent }) => linkTo(sent)),
    attributes: { 'messaging.system': 'kafka', 'messaging.operation.type': 'receive' },
  })
  const each = orders.map(({ sent }, index) => {
    const process = processing('orders', sent, 'shop', 'link', {
      at: 60 + index * 10,
      for: 8,
      in: poll,
      links: [linkTo(sent)],
    })
    const paid = send('payments', { at: 62 + index * 10, for: 2, in: process })
    return { process, paid, mail: processing('payments', paid, 'mail', 'link', { at: 200 + index * 10 }) }
  })
  await traces.put(
    tracesOf(
      'web',
      orders.flatMap(({ request, sent }) => [request, sent]),
    ),
  )
  await traces.put(tracesOf('shop', [poll, ...each.flatMap(({ process, paid }) => [process, paid])]))
  await traces.put(
    tracesOf(
      'mail',
      each.map(({ mail }) => mail),
    ),
  )
  return { orders, poll, each }
}

test('a flow has only the processing of its own message in a batch with a span per message', async () => {
  const { orders, poll, each } = await putOneByOne()
  const flow = await flowOf(orders[1]?.request as TestSpan)
  expect(flow.lanes.map((lane) => [lane.traceId, lane.spanCount])).toEqual([
    [orders[1]?.request.traceId, 2],
    [poll.traceId, 3],
    [each[1]?.mail.traceId, 1],
  ])
  expect(flow.lanes[1]?.joinedWith?.count).toBe(2)
  expect(flow.edges).toHaveLength(2)
  expect((await flowOf(each[1]?.mail as TestSpan)).lanes.map((lane) => lane.id)).toEqual(
    flow.lanes.map((lane) => lane.id),
  )
})

test('a flow opened at a batch with a span per message shows the whole batch, its successors and one origin', async () => {
  const { orders, poll, each } = await putOneByOne()
  const flow = await flowOf(poll)
  expect(flow.originCount).toBe(3)
  expect(flow.lanes.map((lane) => [lane.traceId, lane.spanCount])).toEqual([
    [orders[0]?.request.traceId, 2],
    [poll.traceId, 7],
    ...each.map(({ mail }) => [mail.traceId, 1]),
  ])
  // The path follows the first event, though the mails of the others end later.
  expect(flow.criticalPath?.segments[0]?.spanId).toBe(orders[0]?.request.spanId)
  expect(flow.criticalPath?.segments.at(-1)?.traceId).toBe(each[0]?.mail.traceId)
})

test('a message of a batch with receive, batch and message spans has one edge, to the message span', async () => {
  const orders = [0, 1, 2].map((at) => order(at, 'orders'))
  const spans = batchOf(
    'orders',
    orders.map(({ sent }) => sent),
    'shop',
    100,
  )
  const each = spans.slice(2)
  await traces.put(
    tracesOf(
      'web',
      orders.flatMap(({ request, sent }) => [request, sent]),
    ),
  )
  await traces.put(tracesOf('shop', spans))
  const flow = await flowOf(orders[1]?.request as TestSpan)
  expect(flow.edges).toMatchObject([
    { to: { spanId: each[1]?.spanId }, consumerGroup: 'shop', offset: '1', queueTimeNano: '95000000' },
  ])
  expect(flow.statistics.queueTotalNano).toBe('95000000')
  const all = await flowOf(spans[0] as TestSpan, { includeJoined: true })
  expect(all.edges.map(({ to }) => to.spanId).toSorted()).toEqual(each.map(({ spanId }) => spanId).toSorted())
})

test('a message received twice in a trace and processed once has two edges', async () => {
  const { request, sent } = order(0, 'orders')
  const job = span({ name: 'job', at: 50, for: 200 })
  const received = [60, 100].map((at) =>
    processing('orders', sent, 'shop', 'link', {
      name: 'poll orders',
      kind: 3,
      at,
      in: job,
      attributes: { 'messaging.operation.type': 'receive' },
    }),
  )
  const processed = processing('orders', sent, 'shop', 'link', { at: 120, in: job })
  await traces.put(tracesOf('web', [request, sent]))
  await traces.put(tracesOf('shop', [job, ...received, processed]))
  const flow = await flowOf(request)
  expect(flow.edges.map(({ to }) => to.spanId).toSorted()).toEqual([received[0]?.spanId, processed.spanId].toSorted())
})

test('a flow is named after its event when the poll span started earlier', async () => {
  const { request, sent } = order(100, 'orders')
  const poll = span({
    name: 'poll orders',
    kind: 3,
    at: 0,
    for: 200,
    links: [linkTo(sent)],
    attributes: { 'messaging.system': 'kafka', 'messaging.operation.type': 'receive' },
  })
  await traces.put(tracesOf('web', [request, sent]))
  await traces.put(tracesOf('shop', [poll]))
  const flow = await flowOf(poll)
  expect(flow.title).toMatchObject({ name: 'POST 100' })
  expect(flow.criticalPath?.segments[0]).toMatchObject({ name: 'POST 100' })
})

test('a parent-mode batch in the trace of one event joins the flow of another without the rest of that trace', async () => {
  const [one, two] = [order(0, 'orders'), order(5, 'orders')]
  const batch = processing('orders', one.sent, 'shop', 'both', { at: 50, links: [linkTo(one.sent), linkTo(two.sent)] })
  await traces.put(tracesOf('web', [one.request, one.sent, two.request, two.sent, batch]))
  expect(lanesOf(await flowOf(two.request))).toEqual(['web POST 5', 'web process orders'])
  expect((await flowOf(two.request)).edges).toHaveLength(1)
  expect((await flowOf(one.request)).lanes.map((lane) => lane.joinedWith?.count)).toEqual([undefined, 1])
})

test('a reply consumed inside the request trace does not change the start of the flow', async () => {
  const request = span({ name: 'POST', kind: 2, at: 0, for: 100 })
  const requested = send('requests', { at: 5, for: 2, in: request })
  const work = processing('requests', requested, 'pricing', 'link', { at: 20, for: 30 })
  const reply = send('replies', { at: 40, for: 2, in: work })
  const received = processing('replies', reply, 'web', 'link', { at: 60, in: request, links: [linkTo(reply)] })
  await traces.put(tracesOf('web', [request, requested, received]))
  await traces.put(tracesOf('pricing', [work, reply]))
  for (const opened of [request, work]) {
    const flow = await flowOf(opened)
    expect(flow.title).toMatchObject({ name: 'POST' })
    expect(lanesOf(flow)).toEqual(['web POST', 'shop process requests'].map((name) => name.replace('shop', 'pricing')))
  }
})

test('a known group is a missing consumer of a flow message until it consumes the message', async () => {
  const before = order(0, 'bookings')
  const after = order(1000, 'bookings')
  const consumed = ['billing', 'stock'].map((group) => processing('bookings', before.sent, group, 'link', { at: 50 }))
  const billed = processing('bookings', after.sent, 'billing', 'link', { at: 1050 })
  await traces.put(tracesOf('web', [before.request, before.sent, after.request, after.sent]))
  await traces.put(tracesOf('shop', [...consumed, billed]))
  const flow = await flowOf(billed)
  expect(flow.missingConsumers).toMatchObject([
    {
      cluster: '',
      topic: 'bookings',
      consumerGroup: 'stock',
      producer: { traceId: after.sent.traceId, spanId: after.sent.spanId, laneId: after.sent.traceId },
    },
  ])
  expect(BigInt(flow.missingConsumers[0]?.waitNano ?? 0)).toBeGreaterThan(0n)
  expect((await flowOf(before.request)).missingConsumers).toEqual([])
  await traces.put(tracesOf('shop', [processing('bookings', after.sent, 'stock', 'parent', { at: 2000 })]))
  expect((await flowOf(billed)).missingConsumers).toEqual([])
})

test.each(['link', 'parent'] as const)(
  'a lane of a receive span without spans below it ends at receive, in mode %s',
  async (mode) => {
    const { request, sent } = order(0, 'orders')
    const receive = processing('orders', sent, 'python', mode, {
      name: 'orders receive',
      at: 50,
      attributes: { 'messaging.operation.type': 'receive' },
    })
    const poll = processing('orders', sent, 'node', mode, {
      name: 'poll orders',
      at: 60,
      attributes: { 'messaging.operation.type': 'receive' },
    })
    const handler = span({ name: 'handle', at: 70, in: poll })
    await traces.put(tracesOf('web', [request, sent]))
    await traces.put(tracesOf('python', [receive]))
    await traces.put(tracesOf('node', [poll, handler]))
    const flow = await flowOf(request)
    expect(flow.lanes.map((lane) => [lane.rootName, lane.endsAtReceive])).toEqual([
      ['POST 0', undefined],
      ['orders receive', true],
      ['poll orders', undefined],
    ])
  },
)

test('a flow continues from a receive span to the process span of another trace that links to it', async () => {
  const { request, sent } = order(0, 'orders')
  const receive = processing('orders', sent, 'kotel', 'link', {
    name: 'orders receive',
    at: 50,
    attributes: { 'messaging.operation.type': 'receive' },
  })
  const process = processing('orders', receive, 'kotel', 'link', { name: 'orders process', at: 70 })
  await traces.put(tracesOf('web', [request, sent]))
  await traces.put(tracesOf('go', [receive, process]))
  const flow = await flowOf(request)
  expect(flow.lanes.map((lane) => [lane.rootName, lane.endsAtReceive])).toEqual([
    ['POST 0', undefined],
    ['orders receive', undefined],
    ['orders process', undefined],
  ])
})

test('a consumer that shares the span id of its producer has its own lane with an edge from the producer', async () => {
  const { request, sent } = order(0, 'orders')
  const consumer = {
    ...processing('orders', sent, 'shop', 'parent', { at: 50 }),
    spanId: sent.spanId,
    parentSpanId: sent.spanId,
  }
  await traces.put(tracesOf('web', [request, sent]))
  await traces.put(tracesOf('shop', [consumer]))
  const flow = await flowOf(request)
  expect(flow.lanes.map((lane) => [lane.rootService, lane.rootName, lane.spanCount])).toEqual([
    ['web', 'POST 0', 2],
    ['shop', 'process orders', 1],
  ])
  expect(flow.edges).toMatchObject([{ from: { service: 'web' }, to: { service: 'shop' }, role: 'message' }])
})

test('several consumers that share the span id of their producer have a lane and an edge each', async () => {
  const request = span({ name: 'POST', kind: 2, at: 0, for: 30 })
  const [inner, root] = [send('orders', { at: 10, for: 5, in: request }), send('orders', { at: 10, for: 5 })]
  for (const sent of [inner, root]) {
    await traces.put(tracesOf('web', sent === inner ? [request, sent] : [sent]))
    for (const group of ['shop', 'audit']) {
      const consumer = sharing(sent, processing('orders', undefined, group, 'link', { at: 55 }))
      const work = span({ name: 'work', at: 56, in: consumer })
      await traces.put(tracesOf(group, [consumer, work]))
    }
    const other = processing('orders', sent, 'stock', 'parent', { at: 65 })
    await traces.put(tracesOf('stock', [other]))
    const flow = await flowOf(sent)
    expect(flow.lanes.map((lane) => [lane.rootService, lane.spanCount]).toSorted()).toEqual([
      ['audit', 2],
      ['shop', 2],
      ['stock', 1],
      ['web', sent === inner ? 2 : 1],
    ])
    const edges = flow.edges.map(({ from, to, role, queueTimeNano }) => [from.name, to.service, role, queueTimeNano])
    expect(edges.toSorted()).toEqual([
      ['send orders', 'audit', 'message', '40000000'],
      ['send orders', 'shop', 'message', '40000000'],
      ['send orders', 'stock', 'message', '50000000'],
    ])
    expect(new Set(flow.edges.map(({ id }) => id)).size).toBe(3)
    const missing = flow.missingConsumers.map(({ consumerGroup }) => consumerGroup)
    expect(['shop', 'audit', 'stock'].filter((group) => missing.includes(group))).toEqual([])
  }
})
