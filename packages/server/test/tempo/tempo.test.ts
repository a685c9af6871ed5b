import { decodeTraces, kv, tracesOf } from '@spanlink/testkit/otlp'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'
import { waitUntilStored } from '@spanlink/testkit/stored-traces'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeTraceByIdResponse } from '../../src/http/compat/tempo/tempo.ts'
import { linkTo, MS, nowNano, span } from '../query/order-spans.ts'

const start = nowNano() - 1000n * MS
const send = span({ name: 'send orders', kind: 4, start })
const pay = span({
  name: 'process orders',
  kind: 5,
  start: start + 9n * MS,
  links: [linkTo(send)],
  attributes: [
    kv('code', 500),
    kv('sku', '500'),
    kv('done', true),
    kv('ratio', 0.5),
    kv('negative', -3),
    kv('tags', ['a']),
  ],
  status: { code: 2, message: 'declined' },
})
let spanlink: SpanlinkServer

beforeAll(async () => {
  spanlink = await startSpanlink()
  await spanlink.sendSpans(tracesOf('gateway', [send]))
  await spanlink.sendSpans(tracesOf('payment', [pay]))
  await waitUntilStored(spanlink)
})
afterAll(() => spanlink.stop())

async function get(path: string, accept = 'application/json'): Promise<Response> {
  return fetch(`${spanlink.url}/tempo${path}`, { headers: { accept } })
}

async function getJson(path: string): Promise<unknown> {
  const response = await get(path)
  expect(response.status).toBe(200)
  return response.json()
}

test('the Tempo echo endpoint returns "echo" for the datasource test', async () => {
  expect(await (await get('/api/echo')).text()).toBe('echo')
})

test('a Tempo trace is protobuf when accepted, in an envelope for v2 and without for v1', async () => {
  const plain = Buffer.from(await (await get(`/api/traces/${pay.traceId}`, 'application/protobuf')).arrayBuffer())
  expect(decodeTraces(plain)).toMatchObject({
    resourceSpans: [
      {
        resource: { attributes: [kv('service.name', 'payment')] },
        scopeSpans: [
          {
            spans: [
              {
                traceId: pay.traceId,
                spanId: pay.spanId,
                attributes: pay.attributes,
                links: [{ traceId: send.traceId, spanId: send.spanId }],
                status: { code: 2, message: 'declined' },
              },
            ],
          },
        ],
      },
    ],
  })
  const response = await get(`/api/v2/traces/${pay.traceId}`, 'application/protobuf')
  const wrapped = Buffer.from(await response.arrayBuffer())
  expect(response.headers.get('content-type')).toBe('application/protobuf')
  expect(wrapped[0]).toBe(10)
  expect(wrapped.subarray(-plain.length).equals(plain)).toBe(true)
})

test('a Tempo trace as JSON has its ids in base64', async () => {
  const base64 = Buffer.from(pay.traceId, 'hex').toString('base64')
  const scopeSpans = [{ spans: [{ traceId: base64, kind: 'SPAN_KIND_CONSUMER' }] }]
  expect(await getJson(`/api/v2/traces/${pay.traceId}`)).toMatchObject({ trace: { resourceSpans: [{ scopeSpans }] } })
  expect(await getJson(`/api/traces/${pay.traceId}`)).toMatchObject({ batches: [{ scopeSpans }] })
})

test('a Tempo search by tags matches the span and trace fields named without a scope', async () => {
  const traceIds = async (tags: string): Promise<readonly string[]> => {
    const { traces } = (await getJson(`/api/search?${new URLSearchParams({ tags })}`)) as Found
    return traces.map((trace) => trace.traceID)
  }
  expect(await traceIds('name="process orders" status.code=error code=500')).toEqual([pay.traceId])
  expect(await traceIds('root.service.name=gateway root.name="send orders"')).toEqual([send.traceId])
  expect(await traceIds('error=true done=true ratio=0.5')).toEqual([pay.traceId])
  expect(await traceIds('name=payment')).toEqual([])
  expect(await traceIds(`${'a'.repeat(10_000)} code=500`)).toEqual([pay.traceId])
})

test('a Tempo span set has the values of by() and of the aggregates as attributes', async () => {
  const q = '{ } | by(resource.service.name) | by(.code) | count() > 0 | avg(duration) > 1ms'
  const { traces } = (await getJson(`/api/search?${new URLSearchParams({ q })}`)) as Found
  const paid = traces.find((trace) => trace.traceID === pay.traceId)
  expect(paid?.spanSets[0]?.attributes).toEqual([
    { key: 'by(resource.service.name)', value: { stringValue: 'payment' } },
    { key: 'by(.code)', value: { intValue: '500' } },
    { key: 'count()', value: { intValue: '1' } },
    { key: 'avg(duration)', value: { stringValue: '5ms' } },
  ])
})

test('a Tempo search with a limit above the maximum returns 400', async () => {
  expect((await get('/api/search?limit=1001')).status).toBe(400)
  expect((await get('/api/search?spss=101')).status).toBe(400)
})

type Found = {
  readonly traces: readonly {
    readonly traceID: string
    readonly spanSets: readonly { readonly attributes?: readonly object[] }[]
  }[]
}

test('the Tempo API returns 404 for an unknown trace and 400 for an invalid trace id', async () => {
  expect((await get(`/api/v2/traces/${'f'.repeat(32)}`)).status).toBe(404)
  expect((await get('/api/v2/traces/xyz')).status).toBe(400)
})

test('a Tempo search returns matching spans with typed attributes and only fields known to Grafana', async () => {
  const seconds = Math.floor(Date.now() / 1000)
  const q = encodeURIComponent('{ .code = 500 && status = error }')
  expect(await getJson(`/api/search?q=${q}&start=${seconds - 600}&end=${seconds + 1}&limit=20&spss=3`)).toEqual({
    traces: [
      {
        traceID: pay.traceId,
        rootServiceName: 'payment',
        rootTraceName: 'process orders',
        startTimeUnixNano: pay.startTimeUnixNano,
        durationMs: 5,
        spanSets: [
          {
            matched: 1,
            spans: [
              {
                spanID: pay.spanId,
                name: 'process orders',
                startTimeUnixNano: pay.startTimeUnixNano,
                durationNanos: '5000000',
                attributes: expect.arrayContaining([
                  { key: 'code', value: { intValue: '500' } },
                  { key: 'status', value: { stringValue: 'error' } },
                  { key: 'service.name', value: { stringValue: 'payment' } },
                ]),
              },
            ],
          },
        ],
        serviceStats: { payment: { spanCount: 1, errorCount: 1 } },
      },
    ],
    metrics: { inspectedTraces: 1, completedJobs: 1, totalJobs: 1 },
  })
})

test('a Tempo search by tags and minimum duration finds its trace', async () => {
  const found = await getJson(`/api/search?tags=${encodeURIComponent('service.name=gateway')}&minDuration=1ms`)
  expect(found).toMatchObject({ traces: [{ traceID: send.traceId }] })
})

test('Tempo tag names are listed by scope with intrinsics', async () => {
  const { scopes } = (await getJson('/api/v2/search/tags')) as { scopes: { name: string; tags: string[] }[] }
  const tags = Object.fromEntries(scopes.map((scope) => [scope.name, scope.tags]))
  expect(tags['resource']).toContain('service.name')
  expect(tags['span']).toContain('code')
  expect(tags['link']).toContain('messaging.kafka.offset')
  expect(await getJson('/api/v2/search/tags?scope=intrinsic')).toMatchObject({
    scopes: [{ name: 'intrinsic', tags: expect.arrayContaining(['status', 'duration', 'rootName']) }],
  })
})

test('Tempo tag values have their type, with keywords for status and kind', async () => {
  const values = async (tag: string) =>
    ((await getJson(`/api/v2/search/tag/${tag}/values`)) as { tagValues: unknown[] }).tagValues
  expect(await values('status')).toContainEqual({ type: 'keyword', value: 'error' })
  expect(await values('span:kind')).toContainEqual({ type: 'keyword', value: 'producer' })
  expect(await values('resource.service.name')).toContainEqual({ type: 'string', value: 'gateway' })
  expect(await values('.code')).toEqual([{ type: 'int', value: '500' }])
  expect(await values('span.sku')).toEqual([{ type: 'string', value: '500' }])
  expect(await values('span.done')).toEqual([{ type: 'bool', value: 'true' }])
  expect(await values('span.ratio')).toEqual([{ type: 'float', value: '0.5' }])
  expect(await values('link.messaging.kafka.offset')).toEqual([{ type: 'int', value: expect.any(String) }])
  expect(await values('duration')).toBeInstanceOf(Array)
  expect(await getJson('/api/search/tag/service.name/values')).toMatchObject({
    tagValues: expect.arrayContaining(['payment']),
  })
})

test('Tempo range metrics have samples at multiples of the step', async () => {
  const q = encodeURIComponent('{ } | count_over_time() by (resource.service.name)')
  const seconds = Math.floor(Date.now() / 1000)
  const range = `q=${q}&start=${seconds - 60}&end=${seconds + 60}`
  const { series } = (await getJson(`/api/metrics/query_range?${range}&step=30s`)) as {
    series: { labels: unknown; samples: { timestampMs: string; value: number }[] }[]
  }
  expect(series.map((one) => one.samples.reduce((sum, { value }) => sum + value, 0))).toEqual([1, 1])
  expect(series.every((one) => one.samples.every(({ timestampMs }) => /^\d{13}$/.test(timestampMs)))).toBe(true)
  expect(series.every((one) => one.samples.every(({ timestampMs }) => Number(timestampMs) % 30_000 === 0))).toBe(true)
})

test('Tempo series have typed labels, and exemplars the labels that Grafana links by', async () => {
  const seconds = Math.floor(Date.now() / 1000)
  const series = async (query: string, more = '') => {
    const range = `start=${seconds - 60}&end=${seconds + 60}&step=10m${more}`
    const response = await getJson(`/api/metrics/query_range?q=${encodeURIComponent(query)}&${range}`)
    return (response as { series: { labels: { key: string }[]; exemplars?: object[] }[] }).series
  }
  const fields = ['code', 'sku', 'done', 'ratio', 'absent']
  const [typed] = await series(`{ .code = 500 } | rate() by (${fields.map((name) => `span.${name}`).join(', ')})`)
  expect(typed?.labels).toEqual([
    { key: 'span.code', value: { intValue: '500' } },
    { key: 'span.sku', value: { stringValue: '500' } },
    { key: 'span.done', value: { boolValue: true } },
    { key: 'span.ratio', value: { doubleValue: 0.5 } },
    { key: 'span.absent', value: { stringValue: 'nil' } },
  ])
  const intrinsics = ['kind', 'span:status', 'rootServiceName', 'trace:rootName', 'trace:duration', 'childCount']
  const [named] = await series(`{ .code = 500 } | rate() by (${intrinsics.join(', ')})`)
  expect(named?.labels.map(({ key }) => key)).toEqual([
    'kind',
    'status',
    'rootServiceName',
    'rootName',
    'traceDuration',
    'span:childCount',
  ])
  const slowest = '{ .code = 500 } | max_over_time(duration)'
  const exemplar = {
    labels: [
      { key: 'trace:id', value: { stringValue: pay.traceId } },
      { key: 'span:id', value: { stringValue: pay.spanId } },
    ],
    value: 0.005,
    timestampMs: String(start / 1_000_000n + 9n),
  }
  expect((await series(slowest))[0]?.exemplars).toEqual([exemplar])
  expect((await series(slowest, '&exemplars=7'))[0]?.exemplars).toEqual([exemplar])
  expect((await series(`${slowest} with (exemplars=false)`))[0]?.exemplars).toBeUndefined()
})

test('Tempo tag values and names are limited to spans that match a complete or partial query', async () => {
  const services = async (q: string) =>
    (
      (await getJson(`/api/v2/search/tag/resource.service.name/values?q=${encodeURIComponent(q)}`)) as {
        tagValues: { value: string }[]
      }
    ).tagValues.map(({ value }) => value)
  // The search stops after a second, so under load the first result may be empty.
  const underLoad = { timeout: 30_000 }
  await expect.poll(() => services('{ status = error }'), underLoad).toEqual(['payment'])
  await expect.poll(() => services('{ kind = producer && span.code = }'), underLoad).toEqual(['gateway'])
  await expect.poll(async () => (await services('no query')).toSorted(), underLoad).toEqual(['gateway', 'payment'])
  const { scopes } = (await getJson(
    `/api/v2/search/tags?scope=span&q=${encodeURIComponent('{ kind = producer }')}`,
  )) as { scopes: { tags: string[] }[] }
  expect(scopes.flatMap(({ tags }) => tags)).not.toContain('code')
})

test('a Tempo instant query has one value per series and only fields known to Grafana', async () => {
  const q = encodeURIComponent('{ } | count_over_time() by (resource.service.name)')
  const seconds = Math.floor(Date.now() / 1000)
  expect(await getJson(`/api/metrics/query?q=${q}&start=${seconds - 3600}&end=${seconds + 60}`)).toEqual({
    series: ['gateway', 'payment'].map((stringValue) => ({
      labels: [{ key: 'resource.service.name', value: { stringValue } }],
      value: 1,
    })),
    metrics: {},
  })
})

test('a Tempo search selects nested set numbers as integers for Traces Drilldown', async () => {
  const q = encodeURIComponent(
    '{ nestedSetParent<0 && true } | select(status, resource.service.name, nestedSetParent, nestedSetLeft, nestedSetRight)',
  )
  const { traces } = (await getJson(`/api/search?q=${q}&limit=20&spss=20`)) as {
    traces: { spanSets: { spans: { attributes: unknown[] }[] }[] }[]
  }
  expect(traces).toHaveLength(2)
  for (const trace of traces) {
    expect(trace.spanSets[0]?.spans[0]?.attributes).toEqual(
      expect.arrayContaining([
        { key: 'nestedSetParent', value: { intValue: '-1' } },
        { key: 'nestedSetLeft', value: { intValue: '1' } },
        { key: 'nestedSetRight', value: { intValue: '2' } },
      ]),
    )
  }
})

test('a truncated Tempo trace by id has status PARTIAL in field 3 and a message in field 4', () => {
  const trace = Buffer.from([1, 2, 3])
  expect([...encodeTraceByIdResponse(trace, [])]).toEqual([10, 3, 1, 2, 3])
  expect([...encodeTraceByIdResponse(trace, ['cut'])]).toEqual([10, 3, 1, 2, 3, 24, 1, 34, 3, ...Buffer.from('cut')])
})

test('an invalid TraceQL query to Tempo returns 400 with the reason as text', async () => {
  const response = await get(`/api/search?q=${encodeURIComponent('{ .a = }')}`)
  expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('column 8')])
})
