import type { FlowResponse, Message, MessagesResponse } from '@spanlink/api-schema'
import { encodeTraces, kv, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MS, processing, send, span, T0, linkTo, type TestSpan } from '../flow/kafka-spans.ts'
import { encodeMetrics } from '../signals/otlp-messages.ts'
import { openSpanlink, type Spanlink } from '../signals/spanlink.ts'

const HOUR_MS = 3_600_000

let spanlink: Spanlink
beforeAll(async () => {
  spanlink = await openSpanlink()
})
afterAll(async () => {
  await spanlink?.[Symbol.asyncDispose]()
})

/** Each test uses a separate topic. */
async function unconsumed(query: Readonly<Record<string, string>>): Promise<MessagesResponse> {
  await spanlink.stored()
  const window = { start: String(T0), end: String(T0 + BigInt(HOUR_MS) * MS) }
  const { status, body } = await spanlink.get<MessagesResponse>('/api/messages/unconsumed', { ...window, ...query })
  expect({ status, body }).toMatchObject({ status: 200 })
  return body
}

const rowsOf = ({ messages }: MessagesResponse): string[] => messages.map(rowOf).toSorted()
const rowOf = ({ spanId, consumerGroup }: Message): string => `${spanId} ${consumerGroup}`

async function put(service: string, spans: readonly TestSpan[]): Promise<void> {
  await spanlink.send('/v1/traces', encodeTraces(tracesOf(service, [...spans])))
}

async function putLag(topic: string, group: string, at: bigint, cluster = '', ofResource = false): Promise<void> {
  const attributes = [
    kv('topic', topic),
    kv('group', group),
    ...(cluster === '' || ofResource ? [] : [kv('kafka.cluster.id', cluster)]),
  ]
  const dataPoints = [{ timeUnixNano: String(at), asInt: '5', attributes }]
  const metrics = [{ name: 'kafka.consumer_group.lag', gauge: { dataPoints } }]
  const resource = {
    attributes: [kv('service.name', 'collector'), ...(ofResource ? [kv('kafka.cluster.id', cluster)] : [])],
  }
  await spanlink.send('/v1/metrics', encodeMetrics({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] }))
}

test('a message consumed by one of two groups is unconsumed by the other', async () => {
  const sent = Array.from({ length: 3 }, (_, index) => send('halted', { at: index * 10 }))
  const [first] = sent
  await put('shop', sent)
  await put(
    'stock',
    sent.map((one) => processing('halted', one, 'stock', 'link', { at: 1_000 })),
  )
  await put('email', [processing('halted', first, 'email', 'link', { at: 1_000 })])
  const response = await unconsumed({ topic: 'halted' })
  expect(rowsOf(response)).toEqual(
    sent
      .slice(1)
      .map((one) => `${one.spanId} email`)
      .toSorted(),
  )
  expect(response).toMatchObject({ total: 2, complete: true })
  expect(rowsOf(await unconsumed({ topic: 'halted', consumerGroup: 'email' }))).toEqual(rowsOf(response))
  expect(rowsOf(await unconsumed({ topic: 'halted', consumerGroup: 'stock' }))).toEqual([])
  expect(rowsOf(await unconsumed({ topic: 'halted', neverConsumed: 'true' }))).toEqual([])
})

test('a message without consumers is listed once per known group, and once with neverConsumed=true', async () => {
  const [consumed, lost] = [send('both', { at: 0 }), send('both', { at: 10 })]
  await put('shop', [consumed, lost])
  await put(
    'worker',
    ['a', 'b'].map((group) => processing('both', consumed, group, 'link', { at: 1_000 })),
  )
  expect(rowsOf(await unconsumed({ topic: 'both' }))).toEqual([`${lost.spanId} a`, `${lost.spanId} b`])
  expect(rowsOf(await unconsumed({ topic: 'both', neverConsumed: 'true' }))).toEqual([`${lost.spanId} `])
})

test('pages split the groups of one unconsumed message without losing or repeating one', async () => {
  const [consumed, lost] = [send('split', { at: 0 }), send('split', { at: 10 })]
  const groups = ['a', 'b', 'c', 'd', 'e']
  await put('shop', [consumed, lost])
  await put(
    'worker',
    groups.map((group) => processing('split', consumed, group, 'link', { at: 1_000 })),
  )
  const found: string[] = []
  let cursor: string | undefined
  do {
    const response: MessagesResponse = await unconsumed({ topic: 'split', limit: '2', ...(cursor && { cursor }) })
    found.push(...response.messages.map(rowOf))
    cursor = response.nextCursor
  } while (cursor !== undefined)
  expect(found).toEqual(groups.map((group) => `${lost.spanId} ${group}`))
})

test('a group with lag metrics of the last 24 hours is known without spans', async () => {
  const lost = send('lagging', { at: 0 })
  await put('shop', [lost])
  await putLag('lagging', 'audit', T0 - 20n * BigInt(HOUR_MS) * MS)
  await putLag('lagging', 'gone', T0 - 30n * BigInt(HOUR_MS) * MS)
  expect(rowsOf(await unconsumed({ topic: 'lagging' }))).toEqual([`${lost.spanId} audit`])
})

test('an unconsumed message of a topic without known groups is listed without a group', async () => {
  const lost = send('unread', { at: 0 })
  await put('shop', [lost])
  expect(rowsOf(await unconsumed({ topic: 'unread' }))).toEqual([`${lost.spanId} `])
})

test('a consumer span without a group counts for the groups of its service', async () => {
  const sent = Array.from({ length: 2 }, (_, index) => send('unnamed', { at: index }))
  await put('shop', sent)
  await put('stock', [
    processing('unnamed', sent[0], 'stock', 'link', { at: 1_000 }),
    span({
      name: 'process unnamed',
      kind: 5,
      at: 1_000,
      links: sent.slice(1).map((one) => linkTo(one)),
      attributes: { 'messaging.system': 'kafka', 'messaging.destination.name': 'unnamed' },
    }),
  ])
  await put('email', [processing('unnamed', sent[0], 'email', 'link', { at: 1_000 })])
  expect(rowsOf(await unconsumed({ topic: 'unnamed' }))).toEqual([`${sent[1]?.spanId} email`])
})

test('a service without group names counts for a group known only from lag metrics', async () => {
  const [consumed, lost] = [send('nameless', { at: 0 }), send('nameless', { at: 10 })]
  await put('shop', [consumed, lost])
  await put('printer', [
    span({
      name: 'process nameless',
      kind: 5,
      at: 1_000,
      links: [linkTo(consumed)],
      attributes: { 'messaging.system': 'kafka', 'messaging.destination.name': 'nameless' },
    }),
  ])
  await put('stock', [processing('nameless', consumed, 'stock', 'link', { at: 1_000 })])
  await putLag('nameless', 'print', T0)
  expect(rowsOf(await unconsumed({ topic: 'nameless' }))).toEqual([`${lost.spanId} print`, `${lost.spanId} stock`])
  expect(rowsOf(await unconsumed({ topic: 'nameless', consumerGroup: 'print' }))).toEqual([`${lost.spanId} print`])
})

const namelessProcessing = (topic: string, sent: TestSpan): TestSpan =>
  span({
    name: `process ${topic}`,
    kind: 5,
    at: 1_000,
    links: [linkTo(sent)],
    attributes: { 'messaging.system': 'kafka', 'messaging.destination.name': topic },
  })

test.each(['none', 'g1'])(
  'a service without group names is missed under its own name while the other service has group %s',
  async (group) => {
    const topic = `services ${group}`
    const [consumed, halted] = [send(topic, { at: 0 }), send(topic, { at: 10 })]
    await put('shop', [consumed, halted])
    await put(
      'a',
      [consumed, halted].map((one) =>
        group === 'none' ? namelessProcessing(topic, one) : processing(topic, one, group, 'link', { at: 1_000 }),
      ),
    )
    await put('b', [namelessProcessing(topic, consumed)])
    expect(rowsOf(await unconsumed({ topic }))).toEqual([`${halted.spanId} b`])
    expect(rowsOf(await unconsumed({ topic, consumerGroup: 'b' }))).toEqual([`${halted.spanId} b`])
    const { body } = await spanlink.get<FlowResponse>(`/api/flows/${halted.traceId}`)
    expect(body.missingConsumers.map(({ consumerGroup }) => consumerGroup)).toEqual(['b'])
  },
)

test('the searched range of unconsumed messages ends before those younger than the minimum wait', async () => {
  const [old, young] = [send('young', { at: 0 }), send('young', { at: 90_000 })]
  await put('shop', [old, young])
  const end = T0 + 120_000n * MS
  const query = { topic: 'young', end: String(end) }
  const rows = (response: MessagesResponse) => response.messages.map(({ spanId }) => spanId)
  const byDefault = await unconsumed(query)
  expect(rows(byDefault)).toEqual([old.spanId])
  expect(byDefault).toMatchObject({
    complete: true,
    endTimeUnixNano: String(end),
    searched: { start: String(T0), end: String(end - 60_000n * MS + 1n) },
  })
  const later = await unconsumed({ ...query, minQueueTime: '20s' })
  expect(rows(later)).toEqual([young.spanId, old.spanId])
  expect(later.searched.end).toBe(String(end - 20_000n * MS + 1n))
  const none = await unconsumed({ ...query, minQueueTime: '1h' })
  expect(none).toMatchObject({ messages: [], searched: { start: String(T0), end: String(T0) } })
})

test('a recent message is not unconsumed when the end of the range is in the future', async () => {
  const now = BigInt(Date.now()) * 1_000_000n
  const at = Number((now - T0) / MS)
  await put('ahead', [send('ahead', { at })])
  const response = await unconsumed({
    topic: 'ahead',
    start: String(now - 60_000n * MS),
    end: String(now + 3_600_000n * MS),
  })
  expect(response.messages).toEqual([])
  expect(BigInt(response.searched.end)).toBeLessThan(now)
})

test('neverConsumed is rejected with a consumer group and for other lists', async () => {
  const rejected = await spanlink.get('/api/messages/unconsumed', { neverConsumed: 'true', consumerGroup: 'stock' })
  expect(rejected).toMatchObject({ status: 400, body: { detail: expect.stringContaining('consumerGroup') } })
  expect(await spanlink.get('/api/messages/late', { neverConsumed: 'true' })).toMatchObject({ status: 400 })
})

test.each(['redelivered', 'retried', 'dead-lettered'])('minQueueTime is rejected for %s messages', async (list) => {
  expect(await spanlink.get(`/api/messages/${list}`, { minQueueTime: '10s' })).toMatchObject({
    status: 400,
    body: { parameter: 'minQueueTime', detail: 'invalid minQueueTime: expected only for unconsumed and late messages' },
  })
})

test('an unconsumed message is listed only for groups of its cluster', async () => {
  const inCluster = (id: string) => ({ attributes: { 'kafka.cluster.id': id } })
  const [eu, us] = [send('shared', { at: 0, ...inCluster('eu') }), send('shared', { at: 1, ...inCluster('us') })]
  const lost = send('shared', { at: 2, ...inCluster('us') })
  await put('shop', [eu, us, lost])
  await put('stock', [
    processing('shared', eu, 'eu-stock', 'link', { at: 100, ...inCluster('eu') }),
    processing('shared', us, 'us-stock', 'link', { at: 100, ...inCluster('us') }),
  ])
  const response = await unconsumed({ topic: 'shared' })
  expect(rowsOf(response)).toEqual([`${lost.spanId} us-stock`])
  expect(response.messages[0]?.cluster).toBe('us')
})

test('a consumer that shares the span id of its producer counts as consumption', async () => {
  const request = span({ at: 0, for: 100 })
  const sent = send('same-id', { at: 10, in: request })
  const consumer = { ...processing('same-id', sent, 'stock', 'parent', { at: 50 }), spanId: sent.spanId }
  await put('shop', [request, sent])
  await put('stock', [{ ...consumer, parentSpanId: request.spanId }])
  expect(rowsOf(await unconsumed({ topic: 'same-id' }))).toEqual([])
  expect(rowsOf(await unconsumed({ topic: 'same-id', neverConsumed: 'true' }))).toEqual([])
  const { body } = await spanlink.get<FlowResponse>(`/api/flows/${sent.traceId}`)
  expect(body.missingConsumers).toEqual([])
})

test.each(['data points', 'resource'])(
  'a group known only from lag metrics with a cluster in their %s is not missing in another cluster',
  async (where) => {
    const topic = `lag-of-clusters ${where}`
    const [east, west] = ['east', 'west'].map((cluster, at) =>
      send(topic, { at, attributes: { 'kafka.cluster.id': cluster } }),
    )
    await put(
      'shop',
      [east, west].filter((one) => one !== undefined),
    )
    await putLag(topic, 'metered', T0, 'east', where === 'resource')
    expect(rowsOf(await unconsumed({ topic, consumerGroup: 'metered' }))).toEqual([`${east?.spanId} metered`])
  },
)

test('a group that consumes on one cluster is missing on another where only its lag is known', async () => {
  const inCluster = (id: string) => ({ attributes: { 'kafka.cluster.id': id } })
  const [east, west] = [
    send('two-lags', { at: 0, ...inCluster('east') }),
    send('two-lags', { at: 1, ...inCluster('west') }),
  ]
  await put('shop', [east, west])
  await put('stock', [processing('two-lags', east, 'stock', 'link', { at: 100, ...inCluster('east') })])
  await put('email', [processing('two-lags', west, 'email', 'link', { at: 100, ...inCluster('west') })])
  await putLag('two-lags', 'stock', T0, 'east')
  await putLag('two-lags', 'stock', T0, 'west')
  const expected = [`${west.spanId} stock`]
  expect(rowsOf(await unconsumed({ topic: 'two-lags' }))).toEqual(expected)
  expect(rowsOf(await unconsumed({ topic: 'two-lags', consumerGroup: 'stock' }))).toEqual(expected)
  const { body } = await spanlink.get<FlowResponse>(`/api/flows/${west.traceId}`)
  expect(body.missingConsumers.map(({ consumerGroup }) => consumerGroup)).toEqual(['stock'])
})
