import type { SpanResponse, TraceResponse, TracesResponse, TraceSkeleton } from '@spanlink/api-schema'
import { encodeTraces, type OtlpSpan, randomSpanId, randomTraceId, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { linkTo, span, type TestSpan } from '../flow/kafka-spans.ts'
import { openSpanlink, type Spanlink } from '../signals/spanlink.ts'

let spanlink: Spanlink
beforeAll(async () => {
  spanlink = await openSpanlink()
})
afterAll(() => spanlink[Symbol.asyncDispose]())

const CLIENT = 3
const SERVER = 2

/**
 * A request of `web`, its call of `stock` with one id on both sides, and a child span of `stock`.
 */
async function putShared(form: 'otlp' | 'zipkin'): Promise<Readonly<Record<'root' | 'call' | 'work', TestSpan>>> {
  const root = span({ name: 'GET /', kind: SERVER, at: 0, for: 100 })
  const call = span({ name: 'call stock', kind: CLIENT, at: 10, for: 50, in: root })
  const served = {
    ...call,
    name: 'serve stock',
    kind: SERVER,
    startTimeUnixNano: String(BigInt(call.startTimeUnixNano ?? 0) + 5_000_000n),
  }
  const work = span({ name: 'work', at: 20, for: 10, in: served })
  if (form === 'otlp') {
    await spanlink.send('/v1/traces', encodeTraces(tracesOf('web', [root, call])))
    for (let times = 0; times < 2; times++) {
      await spanlink.send('/v1/traces', encodeTraces(tracesOf('stock', [served, work])))
    }
  } else {
    const spans = [
      zipkin(root, 'web', 'SERVER'),
      zipkin(call, 'web', 'CLIENT'),
      { ...zipkin(served, 'stock', 'SERVER'), shared: true, parentId: undefined },
      zipkin(work, 'stock'),
    ]
    await fetch(new URL('/api/v2/spans', spanlink.ingest.otlpHttpUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([...spans, ...spans]),
    })
  }
  await spanlink.stored()
  return { root, call, work }
}

function zipkin(
  { traceId, spanId, parentSpanId, name, startTimeUnixNano, endTimeUnixNano }: OtlpSpan,
  service: string,
  kind?: string,
) {
  const [start, end] = [BigInt(startTimeUnixNano ?? 0), BigInt(endTimeUnixNano ?? 0)]
  return {
    traceId,
    id: spanId,
    parentId: parentSpanId,
    name,
    kind,
    timestamp: Number(start / 1000n),
    duration: Number((end - start) / 1000n),
    localEndpoint: { serviceName: service },
  }
}

const names = ({ spans }: TraceResponse): string[] => spans.map(({ service, name }) => `${service} ${name}`)
const all = ['web GET /', 'web call stock', 'stock serve stock', 'stock work']

test.each(['otlp', 'zipkin'] as const)(
  'two spans that share an id and were sent twice over %s are returned once each',
  async (form) => {
    const { root, call, work } = await putShared(form)
    const { body: trace } = await spanlink.get<TraceResponse>(`/api/traces/${root.traceId}`)
    expect(names(trace)).toEqual(all)

    const { body: skeleton } = await spanlink.get<TraceSkeleton>(`/api/traces/${root.traceId}/skeleton`)
    expect(skeleton.count).toBe(4)
    const parents = Buffer.from(skeleton.parent, 'base64')
    expect([...new Int32Array(parents.buffer, parents.byteOffset, 4)]).toEqual([-1, 0, 1, 2])

    const path = `/api/traces/${root.traceId}/spans/${call.spanId}`
    const { body: server } = await spanlink.get<SpanResponse>(path, { kind: 'server', service: 'stock' })
    expect(server).toMatchObject({
      span: { name: 'serve stock' },
      spansWithSameId: [{ kind: 'client', service: 'web' }],
    })
    expect((await spanlink.get(path, { kind: 'producer' })).status).toBe(404)
    const { body: alone } = await spanlink.get<SpanResponse>(`/api/traces/${root.traceId}/spans/${work.spanId}`)
    expect(alone.spansWithSameId).toBeUndefined()

    const { body: found } = await spanlink.get<TracesResponse>('/api/traces', {
      q: `{ trace:id = "${root.traceId}" && span:id = "${call.spanId}" }`,
    })
    expect(found.traces[0]).toMatchObject({ spanCount: 4, matches: [{ matched: 2 }] })
    expect(found.traces[0]?.matches?.[0]?.spans.map(({ name }) => name)).toEqual(['call stock', 'serve stock'])
    const { body: below } = await spanlink.get<TracesResponse>('/api/traces', {
      q: `{ name = "serve stock" } > { trace:id = "${root.traceId}" }`,
    })
    expect(below.traces[0]?.matches?.[0]?.spans.map(({ name }) => name)).toEqual(['work'])
  },
)

test('Jaeger and Tempo responses give two spans that share an id different ids in the same tree', async () => {
  const { root } = await putShared('otlp')
  type Jaeger = { data: { spans: { spanID: string; operationName: string; references: { spanID: string }[] }[] }[] }
  const { body: jaeger } = await spanlink.get<Jaeger>(`/jaeger/api/traces/${root.traceId}`)
  const spans = jaeger.data[0]?.spans ?? []
  const idOf = new Map(spans.map(({ operationName, spanID }) => [operationName, spanID]))
  expect(new Set(idOf.values()).size).toBe(4)
  expect(spans.map(({ operationName, references }) => [operationName, references[0]?.spanID])).toEqual([
    ['GET /', undefined],
    ['call stock', idOf.get('GET /')],
    ['serve stock', idOf.get('call stock')],
    ['work', idOf.get('serve stock')],
  ])
  type Tempo = { batches?: TempoSpans[]; resourceSpans?: TempoSpans[] }
  type TempoSpans = { scopeSpans: { spans: { spanId: string }[] }[] }
  const { body: tempo } = await spanlink.get<Tempo>(`/tempo/api/traces/${root.traceId}`)
  const tempoSpans = (tempo.batches ?? tempo.resourceSpans ?? []).flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap((scope) => scope.spans),
  )
  expect(new Set(tempoSpans.map(({ spanId }) => spanId)).size).toBe(4)
})

test('two spans that share an id keep their own links, and a link to the id targets the inner span', async () => {
  const target = span({ at: 0 })
  const other = span({ at: 0 })
  const outer = span({
    name: 'outer',
    kind: CLIENT,
    at: 10,
    links: [linkTo(target)],
    traceId: randomTraceId(),
    spanId: randomSpanId(),
  })
  const inner = { ...outer, name: 'inner', kind: SERVER, links: [linkTo(other), linkTo(target)] }
  const later = span({ at: 30, links: [linkTo(outer)] })
  await spanlink.send('/v1/traces', encodeTraces(tracesOf('a', [target, other, outer, later])))
  await spanlink.send('/v1/traces', encodeTraces(tracesOf('b', [inner])))
  await spanlink.stored()
  const { body } = await spanlink.get<TraceResponse>(`/api/traces/${outer.traceId}`)
  const ofName = new Map(body.spans.map((one) => [one.name, one]))
  expect(ofName.get('outer')).toMatchObject({ links: [{ spanId: target.spanId }], backlinkCount: 0 })
  expect(ofName.get('inner')).toMatchObject({
    links: [{ spanId: other.spanId }, { spanId: target.spanId }],
    backlinkCount: 1,
  })
  const { body: laterTrace } = await spanlink.get<TraceResponse>(`/api/traces/${later.traceId}`)
  expect(laterTrace.spans[0]?.links[0]?.target).toMatchObject({ name: 'inner' })
  const { body: links } = await spanlink.get<{ total: number }>(`/api/traces/${outer.traceId}/links`, { limit: '1' })
  expect(links.total).toBe(4)
})

test('siblings of spans that share an id have one parent', async () => {
  const root = span({ name: 'root', kind: SERVER, at: 0 })
  const call = span({ name: 'call', kind: CLIENT, at: 1, in: root })
  const served = { ...call, name: 'served', kind: SERVER }
  const [beside, wait] = [span({ name: 'beside', at: 2, in: root }), span({ name: 'wait', at: 3, in: call })]
  const [read, write] = ['read', 'write'].map((name) => span({ name, at: 4, in: served })) as [TestSpan, TestSpan]
  const orphans = ['lost', 'found'].map((name) => span({ name, at: 5, in: { ...root, spanId: '00000000000000ff' } }))
  await spanlink.send('/v1/traces', encodeTraces(tracesOf('client', [root, call, beside, wait, ...orphans])))
  await spanlink.send('/v1/traces', encodeTraces(tracesOf('server', [served, read, write])))
  await spanlink.stored()
  const findSiblings = async (name: string): Promise<string[]> => {
    const q = `{ name = "${name}" } ~ { trace:id = "${root.traceId}" }`
    const { body } = await spanlink.get<TracesResponse>('/api/traces', { q })
    return body.traces.flatMap(({ matches }) => matches?.flatMap(({ spans }) => spans.map((one) => one.name)) ?? [])
  }
  const pairs = { call: 'beside', served: 'wait', wait: 'served', read: 'write', lost: 'found' }
  for (const [name, sibling] of Object.entries(pairs)) {
    expect([name, ...(await findSiblings(name))]).toEqual([name, sibling])
  }
  expect(await findSiblings('root')).toEqual([])
})
