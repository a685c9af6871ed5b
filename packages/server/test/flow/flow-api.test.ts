import { FlowResponse, MessagesResponse, TopologyResponse } from '@spanlink/api-schema'
import { randomTraceId, tracesOf } from '@spanlink/testkit/otlp'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TSchema } from 'typebox'
import { Check } from 'typebox/value'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MS, processing, send, span, T0 } from './kafka-spans.ts'

let spanlink: SpanlinkServer
const request = span({ name: 'POST /orders', kind: 2, at: 0, for: 30 })
const order = send('orders', { at: 10, in: request })
const linked = processing('orders', order, 'stock', 'link', { at: 50, status: { code: 2, message: 'no' } })
const child = processing('orders', order, 'email', 'parent', { at: 60_000 })
const dead = send('orders.dlq', { at: 55, for: 2, in: linked })
const window = `start=${T0}&end=${T0 + 3_600_000n * MS}`

beforeAll(async () => {
  spanlink = await startSpanlink()
  await spanlink.sendSpans(tracesOf('gateway', [request, order]))
  await spanlink.sendSpans(tracesOf('stock', [linked, dead]))
  await spanlink.sendSpans(tracesOf('email', [child]))
  for (;;) {
    const { services } = (await spanlink.getJson('/api/services')) as { readonly services: string[] }
    if (services.length === 3) break
    await sleep(50)
  }
})
afterAll(() => spanlink.stop())

async function get(path: string): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const response = await fetch(spanlink.url + path)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const messageLists = ['unconsumed', 'late', 'redelivered', 'retried', 'dead-lettered']
const hasMinQueueTime = (list: string): boolean => list === 'unconsumed' || list === 'late'

test.each<[string, TSchema]>([
  [`/api/flows/${request.traceId.toUpperCase()}?maxTraces=10&spanId=${dead.spanId}`, FlowResponse],
  [`/api/topology?${window}`, TopologyResponse],
  ...messageLists.map((list): [string, TSchema] => [
    `/api/messages/${list}?${window}${hasMinQueueTime(list) ? '&minQueueTime=10s' : ''}`,
    MessagesResponse,
  ]),
])('GET %s returns a body that matches its API schema', async (path, schema) => {
  const { status, body } = await get(path)
  expect(status).toBe(200)
  expect(Check(schema, body)).toBe(true)
})

test('spans sent over OTLP are included in flow, topology and message lists', async () => {
  expect((await get(`/api/flows/${linked.traceId}`)).body).toMatchObject({
    lanes: [{ rootName: 'POST /orders' }, { rootService: 'stock' }, { rootService: 'email' }],
    edges: [{ via: 'link' }, { via: 'parent' }],
  })
  const { body } = await get(`/api/topology?${window}`)
  expect(body['nodes']).toHaveLength(7)
  expect((await get(`/api/messages/late?${window}`)).body).toMatchObject({
    total: 1,
    messages: [{ spanId: child.spanId, consumerGroup: 'email' }],
  })
  expect((await get(`/api/messages/dead-lettered?${window}`)).body).toMatchObject({
    total: 1,
    messages: [{ attempts: [{ spanId: linked.spanId, errorMessage: 'no' }], producer: { spanId: order.spanId } }],
  })
})

test.each([
  ['/api/flows/12', 'traceId'],
  [`/api/flows/${randomTraceId()}?maxTraces=0`, 'maxTraces'],
  [`/api/flows/${randomTraceId()}?maxDepth=x`, 'maxDepth'],
  [`/api/flows/${randomTraceId()}?depth=1`, 'depth'],
  ['/api/topology?start=9&end=5', 'start'],
  ['/api/topology?start=99999999999999999999', 'start'],
  ['/api/messages/lost', 'list'],
  ['/api/messages/late?minQueueTime=soon', 'minQueueTime'],
])('GET %s returns 400 with the parameter %s', async (path, parameter) => {
  const { status, body } = await get(path)
  expect(status).toBe(400)
  expect(body).toMatchObject({ parameter })
})

test.each([
  '/api/traces?limit=1',
  '/api/traces?q={}',
  `/api/traces/${randomTraceId()}/links?limit=1`,
  `/api/flows/${randomTraceId()}?maxTraces=1`,
  '/api/logs?limit=1',
  '/api/messages/late?limit=1',
])('GET %s rejects a damaged cursor and one of another endpoint with the same problem', async (path) => {
  const foreign = path.startsWith('/api/logs') ? `flow1.0.${randomTraceId()}` : 'logs1.1.1'
  for (const cursor of ['x', '1', '1.1.1', foreign]) {
    expect(await get(`${path}&cursor=${cursor}`)).toMatchObject({
      status: 400,
      body: { parameter: 'cursor', detail: 'invalid cursor: expected nextCursor of a response of this endpoint.' },
    })
  }
})

test.each(['/api/topology', ...messageLists.map((list) => `/api/messages/${list}`)])(
  'GET %s accepts the whole range of 64-bit times',
  async (path) => {
    const all = 'start=0&end=18446744073709551615'
    const minQueueTime = hasMinQueueTime(path.replace('/api/messages/', '')) ? '&minQueueTime=99999999999h' : ''
    expect((await get(`${path}?${all}${minQueueTime}`)).status).toBe(200)
    expect((await get(`${path}?start=18446744073709551614&end=18446744073709551615`)).status).toBe(200)
  },
)

test('a flow of a trace that is not stored returns 404', async () => {
  expect((await get(`/api/flows/${randomTraceId()}`)).status).toBe(404)
})
