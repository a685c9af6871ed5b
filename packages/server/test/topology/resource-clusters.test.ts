import type { FlowResponse, MessagesResponse, TopologyResponse, TraceResponse } from '@spanlink/api-schema'
import { encodeTraces, kv } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MS, processing, send, span, T0, type TestSpan } from '../flow/kafka-spans.ts'
import { openSpanlink, type Spanlink } from '../signals/spanlink.ts'

const HOUR_MS = 3_600_000

let spanlink: Spanlink
beforeAll(async () => {
  spanlink = await openSpanlink()
})
afterAll(async () => {
  await spanlink?.[Symbol.asyncDispose]()
})

/** The resource names the cluster under `name`. */
async function put(service: string, name: string, cluster: string, spans: readonly TestSpan[]): Promise<void> {
  const resource = { attributes: [kv('service.name', service), kv(name, cluster)] }
  const request = { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'test' }, spans: [...spans] }] }] }
  await spanlink.send('/v1/traces', encodeTraces(request))
}

async function get<Body>(path: string, hour: number, query: Readonly<Record<string, string>> = {}): Promise<Body> {
  await spanlink.stored()
  const start = T0 + BigInt(hour * HOUR_MS) * MS
  const window = { start: String(start), end: String(start + BigInt(HOUR_MS) * MS) }
  const { status, body } = await spanlink.get<Body>(path, { ...window, ...query })
  expect({ status, body }).toMatchObject({ status: 200 })
  return body
}

async function recordsOf(traceId: string): Promise<unknown[]> {
  await spanlink.stored()
  const { body } = await spanlink.get<TraceResponse>(`/api/traces/${traceId}`)
  return body.spans.map(({ record }) => record?.cluster)
}

test('a span without a cluster has the cluster of its resource in topology, lists, flow and trace', async () => {
  const producers = await Promise.all(
    ['east', 'west'].map(async (cluster, index) => {
      const sent = send('orders', { at: index, for: 10 })
      const lost = send('orders', { at: 100 + index, for: 10 })
      await put(`shop ${cluster}`, 'kafka.cluster.id', cluster, [sent, lost])
      const consumer = processing('orders', sent, `stock ${cluster}`, 'link', { at: 200 })
      await put(`stock ${cluster}`, 'messaging.kafka.cluster.id', cluster, [consumer])
      return { sent, lost, consumer }
    }),
  )

  const { nodes, edges } = await get<TopologyResponse>('/api/topology', 0)
  const topics = nodes.filter(({ type }) => type === 'topic').map(({ name, cluster }) => `${name} of ${cluster}`)
  expect(topics.toSorted()).toEqual(['orders of east', 'orders of west'])
  expect(
    edges
      .filter(({ type }) => type === 'deliver')
      .map(({ from, to, count }) => [from, to, count])
      .toSorted(),
  ).toEqual([
    ['topic:kafka:east:orders', 'group:kafka:east:stock east', 1],
    ['topic:kafka:west:orders', 'group:kafka:west:stock west', 1],
  ])

  // Each group consumes from one cluster and lacks only the message of that cluster.
  const { messages } = await get<MessagesResponse>('/api/messages/unconsumed', 0, { topic: 'orders' })
  expect(messages.map((one) => [one.spanId, one.cluster, one.producer?.cluster, one.consumerGroup]).toSorted()).toEqual(
    producers
      .map(({ lost }, index) => {
        const cluster = index === 0 ? 'east' : 'west'
        return [lost.spanId, cluster, cluster, `stock ${cluster}`]
      })
      .toSorted(),
  )

  for (const [index, { sent, consumer }] of producers.entries()) {
    const cluster = index === 0 ? 'east' : 'west'
    const { body: flow } = await spanlink.get<FlowResponse>(`/api/flows/${sent.traceId}`)
    expect(flow.edges.map((edge) => edge.cluster)).toEqual([cluster])
    expect(await recordsOf(sent.traceId)).toEqual([cluster])
    const { body: trace } = await spanlink.get<TraceResponse>(`/api/traces/${consumer.traceId}`)
    expect(trace.spans.map(({ record, links }) => [record?.cluster, links[0]?.record.cluster])).toEqual([
      [cluster, cluster],
    ])
  }
})

test('the cluster of a resource is ignored for spans with another cluster, another system or no message', async () => {
  const at = HOUR_MS
  const own = send('orders', { at, attributes: { 'messaging.kafka.cluster.id': 'own' } })
  const rabbit = send('orders', { at, in: own, attributes: { 'messaging.system.name': 'rabbitmq' } })
  const call = span({ at, kind: 3, in: own, attributes: { 'http.request.method': 'GET' } })
  const brave = span({ at, kind: 5, in: own, attributes: { 'kafka.topic': 'orders' } })
  const byService = { own, rabbit, call, brave }
  for (const [service, one] of Object.entries(byService)) await put(service, 'kafka.cluster.id', 'of-resource', [one])
  await put('long', 'kafka.cluster.id', 'x'.repeat(300), [send('orders', { at, in: own })])
  await spanlink.stored()
  const { body } = await spanlink.get<TraceResponse>(`/api/traces/${own.traceId}`)
  expect(Object.fromEntries(body.spans.map(({ service, record }) => [service, record?.cluster]))).toEqual({
    own: 'own',
    rabbit: '',
    call: undefined,
    brave: 'of-resource',
    long: '',
  })
})
