import { kv, tracesOf } from '@spanlink/testkit/otlp'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'
import { waitUntilStored } from '@spanlink/testkit/stored-traces'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { linkTo, MS, nowNano, span } from '../query/order-spans.ts'

const start = nowNano() - 1000n * MS
const root = span({ name: 'POST /orders', kind: 2, start })
const send = span({
  name: 'send orders',
  kind: 4,
  start: start + 1n * MS,
  traceId: root.traceId,
  parentSpanId: root.spanId,
  attributes: [kv('messaging.system', 'kafka'), kv('messaging.destination.name', 'orders')],
})
const processStart = start + 9n * MS
const pay = span({
  name: 'process orders',
  kind: 5,
  start: processStart,
  links: [{ ...linkTo(send), attributes: [kv('hop', 'first')] }],
  events: [{ name: 'retry', timeUnixNano: String(processStart), attributes: [kv('attempt', 2)] }],
  attributes: [
    kv('messaging.system', 'kafka'),
    kv('messaging.destination.name', 'orders'),
    kv('messaging.consumer.group.name', 'payment'),
    kv('http.status_code', 500),
    kv('tenant', 'a "b" c'),
  ],
  status: { code: 2, message: 'declined' },
})
let spanlink: SpanlinkServer

beforeAll(async () => {
  spanlink = await startSpanlink()
  await spanlink.sendSpans(tracesOf('gateway', [root, send]))
  const scope = { name: 'payments', attributes: [kv('library.owner', 'checkout')] }
  const resource = { attributes: [kv('service.name', 'payment')] }
  await spanlink.sendSpans({ resourceSpans: [{ resource, scopeSpans: [{ scope, spans: [pay] }] }] })
  await waitUntilStored(spanlink)
})
afterAll(() => spanlink.stop())

async function get(path: string, query: Readonly<Record<string, string>> = {}): Promise<unknown> {
  return spanlink.getJson(`/jaeger/api${path}?${new URLSearchParams(query)}`)
}

async function getError(path: string): Promise<readonly [number, unknown]> {
  const response = await fetch(`${spanlink.url}/jaeger/api${path}`)
  return [response.status, await response.json()]
}

async function found(query: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { data } = (await get('/traces', query)) as { readonly data: readonly { readonly traceID: string }[] }
  return data.map((trace) => trace.traceID)
}

test('Jaeger services and operations are returned in the envelope of the Jaeger query API', async () => {
  expect(await get('/services')).toEqual({ data: ['gateway', 'payment'], total: 2, limit: 0, offset: 0, errors: null })
  expect(await get('/services/gateway/operations')).toMatchObject({ data: ['POST /orders', 'send orders'] })
  expect(await get('/operations', { service: 'gateway', spanKind: 'producer' })).toMatchObject({
    data: [{ name: 'send orders', spanKind: 'producer' }],
  })
})

test('a Jaeger trace has times in microseconds, a process per resource and links as FOLLOWS_FROM', async () => {
  expect(await get(`/traces/${pay.traceId}`)).toMatchObject({
    errors: null,
    data: [
      {
        traceID: pay.traceId,
        warnings: null,
        processes: { p1: { serviceName: 'payment', tags: [] } },
        spans: [
          {
            traceID: pay.traceId,
            spanID: pay.spanId,
            processID: 'p1',
            operationName: 'process orders',
            startTime: Number(processStart / 1000n),
            duration: 5000,
            references: [{ refType: 'FOLLOWS_FROM', traceID: send.traceId, spanID: send.spanId }],
            tags: expect.arrayContaining([
              { key: 'span.kind', type: 'string', value: 'consumer' },
              { key: 'error', type: 'bool', value: true },
              { key: 'http.status_code', type: 'int64', value: 500 },
            ]),
            logs: [{ fields: expect.arrayContaining([{ key: 'attempt', type: 'int64', value: 2 }]) }],
          },
        ],
      },
    ],
  })
  expect(await get(`/traces/${root.traceId}`)).toMatchObject({
    data: [{ spans: [{ references: [] }, { references: [{ refType: 'CHILD_OF', spanID: root.spanId }] }] }],
  })
})

test('a Jaeger trace is indented JSON with prettyPrint=true', async () => {
  const plain = await fetch(`${spanlink.url}/jaeger/api/traces/${root.traceId}`)
  const pretty = await fetch(`${spanlink.url}/jaeger/api/traces/${root.traceId}?raw=true&prettyPrint=true`)
  expect(pretty.headers.get('content-type')).toBe(plain.headers.get('content-type'))
  expect(await pretty.text()).toBe(JSON.stringify(await plain.json(), undefined, 4))
})

test('a Jaeger search filters by service, operation, tags of any type, duration, time and trace id', async () => {
  const micros = (nano: bigint): string => String(nano / 1000n)
  expect(await found({ service: 'payment' })).toEqual([pay.traceId])
  expect(await found({ service: 'gateway', operation: 'send orders' })).toEqual([root.traceId])
  expect(await found({ service: 'payment', tags: '{"http.status_code":"500","error":"true"}' })).toEqual([pay.traceId])
  expect(await found({ service: 'payment', tags: JSON.stringify({ tenant: 'a "b" c' }) })).toEqual([pay.traceId])
  expect(await found({ service: 'payment', tag: 'span.kind:consumer' })).toEqual([pay.traceId])
  expect(await found({ service: 'payment', tags: '{"http.status_code":"200"}' })).toEqual([])
  expect(await found({ service: 'payment', minDuration: '4ms', maxDuration: '1m2.5s' })).toEqual([pay.traceId])
  expect(await found({ service: 'payment', minDuration: '6ms' })).toEqual([])
  const window = { start: micros(processStart), end: micros(processStart) }
  expect(await found(window)).toEqual([pay.traceId])
  expect(await found({ ...window, end: micros(start - MS), start: micros(start - 2n * MS) })).toEqual([])
  expect(await found({ limit: '1' })).toEqual([pay.traceId])
  expect(await found({ traceID: root.traceId })).toEqual([root.traceId])
})

test.each([
  ['an event', { attempt: '2' }],
  ['a link', { hop: 'first' }],
  ['a scope', { 'library.owner': 'checkout' }],
  ['an event named by the tag', { event: 'retry' }],
])('a Jaeger search by tag matches an attribute of %s', async (_what, tags) => {
  expect(await found({ service: 'payment', tags: JSON.stringify(tags) })).toEqual([pay.traceId])
  const others = Object.fromEntries(Object.keys(tags).map((key) => [key, 'other']))
  expect(await found({ service: 'payment', tags: JSON.stringify(others) })).toEqual([])
})

test('a Jaeger search with an unsupported filter or a limit above 1500 returns 400 with the reason', async () => {
  expect((await get('/traces', { limit: '1500' })) as object).toMatchObject({ errors: null })
  expect(await getError('/traces?limit=1501')).toEqual([
    400,
    expect.objectContaining({ errors: [{ code: 400, msg: 'invalid limit: expected at most 1500' }] }),
  ])
  const filter = new URLSearchParams({ 'query.filter': 'name = "x"' })
  expect(await getError(`/v3/trace-summaries?${filter}`)).toEqual([
    400,
    { error: { httpCode: 400, message: 'query.filter is not supported; use query.attributes.' } },
  ])
})

test('Jaeger dependencies include services connected by a topic and can be filtered by service', async () => {
  const dependencies = { data: [{ parent: 'gateway', child: 'payment', callCount: 1 }] }
  const times = { endTs: String(Date.now() + 60_000), lookback: '3600000' }
  expect(await get('/dependencies', times)).toMatchObject(dependencies)
  expect(await get('/dependencies', { ...times, service: 'payment' })).toMatchObject(dependencies)
  expect(await get('/dependencies', { ...times, service: 'unknown' })).toMatchObject({ data: [] })
})

test('Jaeger errors have their status code and reason in the errors list', async () => {
  const errorOf = (code: number, msg: string) => [code, expect.objectContaining({ errors: [{ code, msg }] })]
  expect(await getError(`/traces/${'f'.repeat(32)}`)).toEqual(errorOf(404, 'trace not found'))
  expect(await getError('/traces/xyz')).toEqual(errorOf(400, 'invalid traceID: expected up to 32 hex digits'))
  expect((await getError('/traces?tags=[1]'))[0]).toBe(400)
  expect((await getError('/traces?minDuration=soon'))[0]).toBe(400)
  expect((await getError(`/traces?minDuration=${'9'.repeat(15_000)}`))[0]).toBe(400)
  expect((await getError('/dependencies?endTs=now'))[0]).toBe(400)
})

test('the Jaeger v3 API returns trace summaries for a search and OTLP for a trace', async () => {
  expect(await get('/v3/services')).toEqual({ services: ['gateway', 'payment'] })
  expect(await get('/v3/operations', { service: 'payment' })).toEqual({
    operations: [{ name: 'process orders', spanKind: 'consumer' }],
  })
  const window = {
    'query.startTimeMin': new Date(Date.now() - 3_600_000).toISOString(),
    'query.startTimeMax': new Date(Date.now() + 60_000).toISOString(),
  }
  const search = { ...window, 'query.serviceName': 'payment', 'query.attributes': '{"http.status_code":"500"}' }
  expect(await get('/v3/trace-summaries', { ...search, 'query.searchDepth': '20' })).toEqual({
    summaries: [
      {
        traceId: pay.traceId,
        rootServiceName: 'payment',
        rootOperationName: 'process orders',
        minStartTimeUnixNano: pay.startTimeUnixNano,
        maxEndTimeUnixNano: pay.endTimeUnixNano,
        spanCount: 1,
        errorSpanCount: 1,
        services: [{ name: 'payment', spanCount: 1, errorSpanCount: 1 }],
      },
    ],
  })
  const otlp = { result: { resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: pay.traceId, kind: 5 }] }] }] } }
  expect(await get('/v3/traces', search)).toMatchObject(otlp)
  expect(await get(`/v3/traces/${pay.traceId}`)).toMatchObject(otlp)
  expect(await getError('/v3/trace-summaries')).toEqual([
    400,
    { error: { httpCode: 400, message: 'query.startTimeMin is required.' } },
  ])
  expect((await getError(`/v3/traces/${'f'.repeat(32)}`))[0]).toBe(404)
})
