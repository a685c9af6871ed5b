import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { expect, test } from 'vitest'
import { encodeMetrics } from './otlp-messages.ts'
import { openSpanlink, type Spanlink } from './spanlink.ts'

const span = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), name: 'send' }

async function post(spanlink: Spanlink, path: string, body: Uint8Array | string, type = 'json'): Promise<number> {
  const headers = { 'content-type': `application/${type}` }
  const init = { method: 'POST', headers, body: Buffer.from(body) }
  const response = await fetch(new URL(path, spanlink.ingest.otlpHttpUrl), init)
  await response.arrayBuffer()
  return response.status
}

test('rejected spans, points and requests are in the log, with receiver, reason and client', async () => {
  const lines: string[] = []
  await using spanlink = await openSpanlink({ log: (line) => lines.push(line) })
  const badIds = encodeTraces(tracesOf('a', [span, { ...span, spanId: '00' }]))
  const point = { timeUnixNano: '1', count: '1', bucketCounts: ['1'], explicitBounds: [1] }
  const metrics = [{ name: 'h', histogram: { dataPoints: [point], aggregationTemporality: 2 } }]
  const zipkin = { traceId: 'ab', id: 'cd', timestamp: 1 }

  expect(await post(spanlink, '/v1/traces', badIds, 'x-protobuf')).toBe(200)
  const points = encodeMetrics({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] })
  expect(await post(spanlink, '/v1/metrics', points, 'x-protobuf')).toBe(200)
  expect(await post(spanlink, '/v1/logs', '{"resourceLogs": 7}')).toBe(400)
  expect(await post(spanlink, '/v1/traces', badIds, 'xml')).toBe(415)
  expect(await post(spanlink, '/api/v2/spans', JSON.stringify([zipkin, { ...zipkin, id: 'x\n' }]))).toBe(202)
  expect(lines.filter((line) => line.includes('rejected'))).toEqual([
    'OTLP/HTTP rejected 1 span (invalid) from 127.0.0.1: span 1 of the request: span id has 1 bytes, not 8',
    'OTLP/HTTP rejected 1 metric point (invalid) from 127.0.0.1: point 0 of the request: 1 bucket counts do not fit 1 bounds',
    'OTLP/HTTP rejected 1 request (malformed) from 127.0.0.1: resourceLogs must be an array, got 7',
    'OTLP/HTTP rejected 1 request (malformed) from 127.0.0.1: Content-Type must be application/x-protobuf or application/json.',
    'Zipkin rejected 1 span (invalid) from 127.0.0.1: span 1 of the request: id must be 1 to 16 hex digits',
  ])
})

test('10,000 rejected requests are few lines, whose counts add up', async () => {
  const lines: string[] = []
  {
    await using spanlink = await openSpanlink({ log: (line) => lines.push(line) })
    const clients = Array.from({ length: 50 }, async (_, client) => {
      for (let at = 0; at < 200; at++) await post(spanlink, '/v1/traces', `{"resourceSpans": ${client * 200 + at}}`)
    })
    await Promise.all(clients)
  }
  const rejected = lines.filter((line) => line.includes('rejected'))
  expect(rejected.length).toBeLessThanOrEqual(20)
  const counts = rejected.map((line) => Number(/rejected (\d+)/.exec(line)?.[1]))
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(10_000)
}, 120_000)
