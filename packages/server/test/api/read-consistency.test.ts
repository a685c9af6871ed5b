import type { LinksResponse, StatusResponse, TracesResponse } from '@spanlink/api-schema'
import { encodeTraces, randomSpanId, randomTraceId, tracesOf } from '@spanlink/testkit/otlp'
import { expect, test } from 'vitest'
import { nowNano, span } from '../query/order-spans.ts'
import { openSpanlink } from '../signals/spanlink.ts'

const REQUESTS = 40

test('a trace can be opened as soon as a search, a backlink or the status includes it', async () => {
  await using spanlink = await openSpanlink()
  const target = { traceId: randomTraceId(), spanId: randomSpanId() }
  let sent = 0
  const send = async (): Promise<void> => {
    for (; sent < REQUESTS; sent++) {
      const one = span({ start: nowNano(), name: `request ${sent}`, links: [target] })
      await spanlink.send('/v1/traces', encodeTraces(tracesOf('shop', [one])))
    }
  }
  const opened = new Set<string>()
  const open = async (traceId: string): Promise<void> => {
    if (opened.has(traceId)) return
    const { status } = await spanlink.get(`/api/traces/${traceId}`)
    expect(status).toBe(200)
    opened.add(traceId)
  }
  const search = async (): Promise<void> => {
    while (opened.size < REQUESTS) {
      const { body } = await spanlink.get<TracesResponse>('/api/traces', { service: 'shop', limit: '100' })
      for (const { traceId } of body.traces) await open(traceId)
    }
  }
  const walk = async (): Promise<void> => {
    let known = 0
    while (known < REQUESTS) {
      const path = `/api/traces/${target.traceId}/links`
      const { status, body } = await spanlink.get<LinksResponse>(path, { direction: 'in', limit: '100' })
      if (status === 404) continue
      for (const { peerTraceId } of body.links) await open(peerTraceId)
      known = body.total
    }
  }
  const count = async (): Promise<void> => {
    for (let spans = 0; spans < REQUESTS;) {
      const { store } = (await spanlink.get<StatusResponse>('/api/status')).body
      expect(store.traces).toBeGreaterThanOrEqual(store.spans)
      spans = store.spans
    }
  }
  await Promise.all([send(), search(), walk(), count()])
  expect(opened.size).toBe(REQUESTS)
}, 120_000)
