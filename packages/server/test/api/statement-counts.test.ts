import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Store } from '../../src/clickhouse/store.ts'
import { endpoints } from '../../src/http/routes/endpoints.ts'
import type { StatusSource } from '../../src/http/routes/status.ts'
import { processing, send, span, T0 } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'

const request = span({ name: 'POST /orders', kind: 2, at: 0, for: 30 })
const order = send('orders', { at: 10, in: request })
const paying = processing('orders', order, 'payment', 'link', { at: 60_000, for: 40 })
const retry = send('orders-retry', { at: 60_010, in: paying })
const retrying = processing('orders-retry', retry, 'payment', 'link', { at: 61_000, for: 40, status: { code: 2 } })
const dead = send('orders-dlq', { at: 61_010, in: retrying })
const reserving = processing('orders', order, 'inventory', 'parent', { at: 100 })
const again = processing('orders', order, 'inventory', 'link', { at: 900 })

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
  await traces.put(tracesOf('gateway', [request, order]))
  await traces.put(tracesOf('payment', [paying, retry, retrying, dead]))
  await traces.put(tracesOf('inventory', [reserving, again]))
})
afterAll(() => traces[Symbol.asyncDispose]())

const window = { start: String(T0 - 3_600_000_000_000n), end: String(T0 + 3_600_000_000_000n) }
const traceId = request.traceId
const list = (name: string) => [{ list: name }, window] as const

const structure = '{ span.messaging.destination.name = "orders" } >> { status = error }'
const unfinished = '{ span.messaging.destination.name = "'

// Each statement takes 2 to 10 ms of CPU, even if it reads one row. Sources of spans are cached, but
// the store of each request here is another one.
test.each([
  ['names of services', '/api/services', {}, {}, 1],
  ['names of operations', '/api/operations', {}, { service: 'payment' }, 1],
  ['the newest traces', '/api/traces', {}, window, 4],
  ['a search by service and status', '/api/traces', {}, { ...window, service: 'payment', status: 'error' }, 3],
  ['a TraceQL search', '/api/traces', {}, { ...window, q: '{ status = error }' }, 5],
  ['a TraceQL search by structure', '/api/traces', {}, { ...window, q: structure }, 2],
  ['a trace', '/api/traces/{traceId}', { traceId }, {}, 2],
  ['links of a span', '/api/traces/{traceId}/links', { traceId }, { spanId: order.spanId }, 1],
  ['the skeleton of a trace', '/api/traces/{traceId}/skeleton', { traceId }, {}, 1],
  ['spans that contain a text', '/api/traces/{traceId}/spans', { traceId }, { text: 'orders' }, 1],
  ['a span', '/api/traces/{traceId}/spans/{spanId}', { traceId, spanId: order.spanId }, {}, 2],
  ['attributes', '/api/attributes', {}, window, 2],
  ['completions', '/api/traceql/complete', {}, { ...window, q: unfinished, caret: unfinished.length }, 2],
  ['a TraceQL metric', '/api/traceql/series', {}, { ...window, q: '{ } | rate()' }, 1],
  ['a heat map', '/api/heatmap', {}, window, 1],
  ['a flow', '/api/flows/{traceId}', { traceId }, {}, 5],
  ['logs', '/api/logs', {}, window, 1],
  ['names of metrics', '/api/metrics', {}, {}, 1],
  ['the topology', '/api/topology', {}, window, 3],
  ['unconsumed messages', '/api/messages/{list}', ...list('unconsumed'), 8],
  ['late messages', '/api/messages/{list}', ...list('late'), 6],
  ['redelivered messages', '/api/messages/{list}', ...list('redelivered'), 6],
  ['retried messages', '/api/messages/{list}', ...list('retried'), 9],
  ['dead-lettered messages', '/api/messages/{list}', ...list('dead-lettered'), 7],
] as const)('a request for %s takes a fixed number of statements', async (_, path, params, query, expected) => {
  let statements = 0
  const store: Store = {
    ...traces.store,
    query: async (...of) => {
      statements += 1
      return await traces.store.query(...of)
    },
    queryBytes: async (...of) => {
      statements += 1
      return await traces.store.queryBytes(...of)
    },
  }
  const endpoint = endpoints(store, {} as StatusSource).find((one) => one.path === path)
  const response = await endpoint?.handle({ params, query, requestHost: '', signal: new AbortController().signal })
  expect(response?.status).toBe(200)
  expect(statements).toBe(expected)
})
