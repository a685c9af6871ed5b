import { startSpanlink, type SpanlinkServer } from '@spanlink/testkit/spanlink'
import { tracesOf } from '@spanlink/testkit/otlp'
import type { TraceResponse, TracesResponse } from '@spanlink/api-schema'
import { expect, test, vi } from 'vitest'
import { nowNano, span } from '../query/order-spans.ts'

const polling = { timeout: 60_000, interval: 200 }

test('--self-tracing stores a trace of each API request with its ClickHouse queries, and of each insert', async () => {
  await using server = await startSpanlink({ args: ['--self-tracing'] })
  const sent = span({ start: nowNano() })
  expect((await server.sendSpans(tracesOf('orders', [sent]))).status).toBe(200)
  await stored(server)
  await server.getJson(`/api/traces/${sent.traceId}`)

  const requestTrace = await vi.waitUntil(() => traceOf(server, 'GET /api/traces/:traceId'), polling)
  const root = requestTrace.spans.find(({ name }) => name === 'GET /api/traces/:traceId')
  expect(root).toMatchObject({ kind: 'server', parentSpanId: '' })
  const below = requestTrace.spans.filter(({ parentSpanId }) => parentSpanId === root?.spanId)
  expect(below.length).toBeGreaterThan(0)
  for (const one of below) expect(one).toMatchObject({ name: 'query', kind: 'client' })

  const inserted = await vi.waitUntil(() => traceOf(server, 'insert spans'), polling)
  expect(inserted.spans.map(({ name }) => name)).toContain('insert sources')
}, 180_000)

async function stored(server: SpanlinkServer): Promise<void> {
  await vi.waitUntil(async () => {
    const { journal } = (await server.getJson('/api/status')) as { journal: { segments: number } }
    return journal.segments === 0
  }, polling)
}

async function traceOf(server: SpanlinkServer, operation: string): Promise<TraceResponse | undefined> {
  const query = new URLSearchParams({ service: 'spanlink', operation })
  const { traces } = (await server.getJson(`/api/traces?${query}`)) as TracesResponse
  const [first] = traces
  return first && ((await server.getJson(`/api/traces/${first.traceId}`)) as TraceResponse)
}
