import type { StatusResponse } from '@spanlink/api-schema'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { expect, test } from 'vitest'
import { createOpenAccess } from '../../src/access/access.ts'
import type { Authenticator } from '../../src/access/authenticator.ts'
import { UnauthenticatedError } from '../../src/access/errors.ts'
import { encodeLogs, encodeMetrics } from './otlp-messages.ts'
import { openSpanlink } from './spanlink.ts'

const span = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), name: 'send' }

test('the status counts accepted items per signal and rejected items and requests by reason', async () => {
  const isKnown = (authorization = ''): boolean => authorization === 'Bearer secret'
  const authenticator: Authenticator = {
    isRequired: () => true,
    authenticate: (credentials) => {
      if (!isKnown(credentials.authorization)) throw new UnauthenticatedError()
      return { id: 'one', name: 'one', roles: ['ingest'], limits: {} }
    },
  }
  const access = { ...createOpenAccess(), authenticator }
  await using spanlink = await openSpanlink({ access, inFlightBytes: 1024 * 1024 })
  const post = async (path: string, body: Uint8Array | string, token = 'secret'): Promise<number> => {
    const type = typeof body === 'string' ? 'json' : 'x-protobuf'
    const headers = { 'content-type': `application/${type}`, authorization: `Bearer ${token}` }
    const init = { method: 'POST', headers, body: Buffer.from(body) }
    const response = await fetch(new URL(path, spanlink.ingest.otlpHttpUrl), init)
    await response.arrayBuffer()
    return response.status
  }
  const logRecords = [{ timeUnixNano: '1' }, { timeUnixNano: '2' }]
  const dataPoints = [1, 2, 3].map((asInt) => ({ timeUnixNano: String(asInt), asInt: String(asInt) }))
  const broken = { timeUnixNano: '1', count: '1', bucketCounts: ['1'], explicitBounds: [1] }
  const metrics = [
    { name: 'g', gauge: { dataPoints } },
    { name: 'h', histogram: { dataPoints: [broken], aggregationTemporality: 2 } },
  ]
  const deep = `{"arrayValue":{"values":[`.repeat(100) + '{"intValue":1}' + ']}}'.repeat(100)
  const nested = `{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":${deep}}]},"scopeSpans":[{"spans":[${JSON.stringify(span)}]}]}]}`

  expect(await post('/v1/traces', encodeTraces(tracesOf('a', [span, { ...span, spanId: '00' }])))).toBe(200)
  expect(await post('/v1/logs', encodeLogs({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }))).toBe(200)
  expect(await post('/v1/metrics', encodeMetrics({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }))).toBe(200)
  expect(await post('/v1/traces', Buffer.from('no protobuf'))).toBe(400)
  expect(await post('/v1/traces', nested)).toBe(200)
  expect(await post('/v1/traces', `{"x":${'['.repeat(100)}${']'.repeat(100)}}`)).toBe(400)
  expect(await post('/v1/traces', Buffer.alloc(2 * 1024 * 1024))).toBe(503)
  expect(await post('/v1/traces', encodeTraces(tracesOf('a', [span])), 'wrong')).toBe(401)

  const { body } = await spanlink.get<StatusResponse>('/api/status')
  expect(body.ingest).toMatchObject({
    requests: 8,
    spans: 1,
    rejectedSpans: 2,
    logs: 2,
    points: 3,
    rejectedPoints: 1,
    rejectedRequests: { malformed: 1, overLimit: 1, tooLarge: 0, busy: 1, unauthorized: 1, failed: 0 },
  })
})
