import { kv, randomTraceId, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listOperations, listServices } from '../../src/query/traces/names.ts'
import { searchByQuery } from '../../src/query/traces/search-by-query.ts'
import { searchTraces } from '../../src/query/traces/search.ts'
import { findTrace } from '../../src/query/traces/by-id/trace.ts'
import { linkTo, MS, nowNano, span } from './order-spans.ts'
import { openStoredTraces, type StoredTraces } from './stored-traces.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

const HOUR = 3_600_000n * MS
const now = nowNano()

async function ids(query: Parameters<typeof searchTraces>[1]): Promise<string[]> {
  return (await searchTraces(traces.store, query, {})).traces.map((trace) => trace.traceId)
}

test('a trace summary has the root, duration, services, errors and links of the whole trace', async () => {
  const root = span({ name: 'POST /orders', start: now, duration: 100n * MS })
  const failing = span({ traceId: root.traceId, parentSpanId: root.spanId, start: now + MS, status: { code: 2 } })
  const consumer = span({ start: now + 2n * MS, links: [linkTo(failing)], name: 'process orders' })
  await traces.put(tracesOf('shop', [root, failing]))
  await traces.put(tracesOf('db', [span({ traceId: root.traceId, parentSpanId: root.spanId, start: now + 3n * MS })]))
  await traces.put(tracesOf('shop', [root]))
  await traces.put(tracesOf('summary-consumer', [consumer]))

  const {
    traces: [found],
  } = await searchTraces(traces.store, { service: 'shop' }, {})
  expect(found).toEqual({
    traceId: root.traceId,
    rootService: 'shop',
    rootName: 'POST /orders',
    rootMissing: false,
    startTimeUnixNano: String(now),
    durationNano: String(100n * MS),
    spanCount: 3,
    errorCount: 1,
    services: [
      { name: 'shop', spanCount: 2, errorCount: 1 },
      { name: 'db', spanCount: 1, errorCount: 0 },
    ],
    linksOut: 0,
    linksIn: 1,
  })
  expect(await searchTraces(traces.store, { service: 'summary-consumer' }, {})).toMatchObject({
    traces: [{ traceId: consumer.traceId, linksOut: 1, linksIn: 0 }],
  })
})

test('links inside a trace are not counted in its summary', async () => {
  const create = span({ name: 'create orders', kind: 4, start: now })
  const send = span({ traceId: create.traceId, name: 'send orders', kind: 3, start: now + 1n, links: [linkTo(create)] })
  const consumer = span({ name: 'process orders', kind: 5, start: now + 2n * MS, links: [linkTo(create)] })
  await traces.put(tracesOf('bulk', [create, send]))
  await traces.put(tracesOf('bulk-consumer', [consumer]))
  expect(await searchTraces(traces.store, { service: 'bulk' }, {})).toMatchObject({
    traces: [{ traceId: create.traceId, linksOut: 0, linksIn: 1 }],
  })
})

test('a span more than a day ahead is found by id, and by a search only with an explicit range', async () => {
  const ahead = span({ start: now + 48n * HOUR })
  const skewed = span({ start: now + 20n * HOUR })
  const current = span({ start: now })
  await traces.put(tracesOf('ahead', [ahead, skewed, current]))
  expect(await findTrace(traces.store, ahead.traceId, {})).toMatchObject({ spans: [{ spanId: ahead.spanId }] })

  const byQuery = async (query: object) =>
    (await searchByQuery(traces.store, '{ resource.service.name = "ahead" }', query, {})).traces.map(
      (one) => one.traceId,
    )
  const end = String(now + 50n * HOUR)
  for (const list of [byQuery, (query: object) => ids({ service: 'ahead', ...query })]) {
    expect(await list({})).toEqual([skewed.traceId, current.traceId])
    expect(await list({ start: String(now - HOUR) })).toEqual([skewed.traceId, current.traceId])
    expect(await list({ end })).toEqual([ahead.traceId, skewed.traceId, current.traceId])
    expect(await list({ start: String(now + 40n * HOUR) })).toEqual([ahead.traceId])
  }
})

test('a trace without its root is summarized by its earliest span', async () => {
  const orphan = span({ parentSpanId: '00000000000000aa', name: 'early', start: now })
  const later = span({ traceId: orphan.traceId, parentSpanId: orphan.spanId, name: 'later', start: now + 1n })
  await traces.put(tracesOf('orphaned', [later, orphan]))
  const { traces: found } = await searchTraces(traces.store, { service: 'orphaned' }, {})
  expect(found).toMatchObject([{ rootMissing: true, rootName: 'early', rootService: 'orphaned' }])
})

test('a trace matches only if one of its spans satisfies all filters', async () => {
  const slow = span({ name: 'slow', start: now, duration: 500n * MS })
  const failed = span({ traceId: slow.traceId, name: 'failed', start: now + MS, duration: MS, status: { code: 2 } })
  await traces.put(tracesOf('together', [slow, failed]))
  const service = 'together'
  expect(await ids({ service, operation: 'slow', minDuration: '0.4s' })).toEqual([slow.traceId])
  expect(await ids({ service, status: 'error', maxDuration: '1ms' })).toEqual([slow.traceId])
  expect(await ids({ service, status: 'error', minDuration: '400ms' })).toEqual([])
  expect(await ids({ service, operation: 'failed', status: 'ok' })).toEqual([])
  expect(await ids({ service, start: String(now + 1n) })).toEqual([slow.traceId])
  expect(await ids({ service, operation: 'slow', start: String(now + 1n) })).toEqual([])
  expect(await ids({ service, end: String(now) })).toEqual([])
  expect(await ids({ service, end: String(now + 1n) })).toEqual([slow.traceId])
})

test('search pages are newest first and contain each trace once over any time range', async () => {
  const ages = [0n, 1n, 5n * MS, HOUR / 20n, HOUR / 2n, 3n * HOUR, 20n * HOUR, 90n * HOUR, 1000n * HOUR, 9000n * HOUR]
  const spans = ages.map((age) => span({ start: now - age }))
  // Two of the same moment; a trace with a match in every window; one ahead of the clock; one from
  // 1970.
  const twin = span({ start: now - 5n * MS })
  const long = ages.map((age, index) =>
    span({ traceId: randomTraceId().replace(/^../, '00'), start: now - age - BigInt(index) - 7n }),
  )
  const wide = long.map((one) => ({ ...one, traceId: long[0]?.traceId ?? '' }))
  const future = span({ start: now + 20n * HOUR })
  const ancient = span({ start: 1n })
  await traces.put(tracesOf('pages', [...spans, twin, ...wide, future, ancient]))

  const whole = await ids({ service: 'pages', limit: 500 })
  expect(new Set(whole)).toEqual(
    new Set([...spans, twin, future, ancient, { traceId: long[0]?.traceId ?? '' }].map((s) => s.traceId)),
  )
  expect(whole).toHaveLength(14)
  expect(whole[0]).toBe(future.traceId)
  expect(whole.at(-1)).toBe(ancient.traceId)
  expect(whole.filter((id) => spans.some((one) => one.traceId === id))).toEqual(spans.map((one) => one.traceId))

  for (const limit of [1, 3, 13]) {
    const paged: string[] = []
    let cursor: string | undefined
    do {
      const page = await searchTraces(traces.store, { service: 'pages', limit, cursor }, {})
      paged.push(...page.traces.map((trace) => trace.traceId))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    expect(paged).toEqual(whole)
  }
})

test.each([
  ['hundreds of matching spans', 40, 300, 1_000_003n],
  ['matching spans of one start', 100, 3, 0n],
])('search pages contain each trace once if traces have %s', async (name, count, spans, step) => {
  const sent = Array.from({ length: count }, (_, trace) => {
    const traceId = randomTraceId()
    return Array.from({ length: spans }, (_, at) =>
      span({ traceId, start: now - (BigInt(trace + at * 7) % 101n) * step }),
    )
  })
  await traces.put(tracesOf(name, sent.flat()))
  const expected = sent
    .map(([first, ...rest]) => ({
      traceId: first?.traceId ?? '',
      newest: [first, ...rest].reduce(
        (max, one) => (BigInt(one?.startTimeUnixNano ?? 0) > max ? BigInt(one?.startTimeUnixNano ?? 0) : max),
        0n,
      ),
    }))
    .sort((a, b) => Number(b.newest - a.newest) || (a.traceId < b.traceId ? -1 : 1))
  const paged: string[] = []
  let cursor: string | undefined
  do {
    const page = await searchTraces(traces.store, { service: name, limit: 7, cursor }, {})
    paged.push(...page.traces.map((trace) => trace.traceId))
    cursor = page.nextCursor
  } while (cursor !== undefined)
  expect(paged).toEqual(expected.map(({ traceId }) => traceId))
})

test('traces of many megabytes have the summaries of small ones', async () => {
  const large = Array.from({ length: 2 }, (_, trace) => {
    const traceId = randomTraceId()
    const root = span({ traceId, name: 'root', start: now - BigInt(trace), duration: 9n * MS })
    const children = Array.from({ length: 120 }, (_, at) =>
      span({
        traceId,
        parentSpanId: root.spanId,
        name: `${at}`.repeat(80_000),
        start: now + BigInt(at - trace),
        status: { code: at % 3 },
        links: at === 0 ? [linkTo(root), linkTo({ ...root, traceId: 'ab'.repeat(16) })] : [],
      }),
    )
    return [...children, root]
  })
  const [first = []] = large
  const small = span({ start: now - 10n, links: [linkTo(first[0] ?? span({ start: now }))] })
  for (const spans of large) await traces.put(tracesOf('large', spans))
  await traces.put(tracesOf('large', [small]))
  await traces.put(tracesOf('large', [...first.slice(0, 30), small]))
  await traces.put(
    tracesOf('s'.repeat(200), [span({ traceId: first[0]?.traceId, start: now + 20n * MS, duration: 0n })]),
  )
  const { traces: found } = await searchTraces(traces.store, { service: 'large' }, {})
  expect(found.map(({ traceId }) => traceId)).toEqual([...large.map(([one]) => one?.traceId), small.traceId])
  expect(found[0]).toEqual({
    traceId: first[0]?.traceId,
    rootService: 'large',
    rootName: 'root',
    rootMissing: false,
    startTimeUnixNano: String(now),
    durationNano: String(20n * MS),
    spanCount: 122,
    errorCount: 40,
    services: [
      { name: 'large', spanCount: 121, errorCount: 40 },
      { name: 's'.repeat(200), spanCount: 1, errorCount: 0 },
    ],
    linksOut: 1,
    linksIn: 1,
  })
  expect(found[1]).toMatchObject({
    rootName: 'root',
    durationNano: String(9n * MS),
    spanCount: 121,
    linksOut: 1,
    linksIn: 0,
  })
  expect(found[2]).toMatchObject({ spanCount: 1, linksOut: 1, linksIn: 0 })
})

test('a stored trace is returned with every field it was sent with', async () => {
  const sent = span({
    start: now,
    traceState: 'vendor=1',
    flags: 0x101,
    status: { code: 2, message: 'no stock' },
    attributes: [kv('10', 'ten'), kv('2', 2), kv('list', [1, 'two']), kv('ratio', 0.5), kv('ok', true)],
    droppedAttributesCount: 1,
    events: [
      { timeUnixNano: String(now + 1n), name: 'exception', attributes: [kv('7', 7)], droppedAttributesCount: 2 },
    ],
    droppedEventsCount: 3,
    links: [{ traceId: '', spanId: '', attributes: [kv('why', 'no context')] }],
    droppedLinksCount: 4,
  })
  const child = span({
    traceId: sent.traceId,
    parentSpanId: sent.spanId,
    start: now + 18n * HOUR,
    kind: 3,
    name: 'later',
  })
  await traces.put({
    resourceSpans: [
      {
        resource: { attributes: [kv('service.name', 'whole'), kv('host.name', 'a')], droppedAttributesCount: 5 },
        scopeSpans: [
          {
            scope: { name: 'lib', version: '1', attributes: [kv('x', 1)] },
            spans: [child, sent],
            schemaUrl: 'scope-schema',
          },
        ],
        schemaUrl: 'resource-schema',
      },
    ],
  })
  await traces.put(tracesOf('whole', [child]))
  const trace = await findTrace(traces.store, sent.traceId, {})
  expect(trace?.spans.map((one) => one.spanId)).toEqual([sent.spanId, child.spanId])
  expect(trace?.spans[1]).toMatchObject({ parentSpanId: sent.spanId, kind: 'client', name: 'later' })
  expect(trace?.spans[0]).toEqual({
    spanId: sent.spanId,
    parentSpanId: '',
    service: 'whole',
    name: 'GET /',
    kind: 'server',
    startTimeUnixNano: String(now),
    endTimeUnixNano: String(now + 5n * MS),
    status: { code: 'error', message: 'no stock' },
    traceState: 'vendor=1',
    flags: 0x101,
    attributes: [
      { key: '10', value: { stringValue: 'ten' } },
      { key: '2', value: { intValue: '2' } },
      { key: 'list', value: { arrayValue: { values: [{ intValue: '1' }, { stringValue: 'two' }] } } },
      { key: 'ratio', value: { doubleValue: 0.5 } },
      { key: 'ok', value: { boolValue: true } },
    ],
    droppedAttributesCount: 1,
    events: [
      {
        timeUnixNano: String(now + 1n),
        name: 'exception',
        attributes: [{ key: '7', value: { intValue: '7' } }],
        droppedAttributesCount: 2,
      },
    ],
    droppedEventsCount: 3,
    links: [
      {
        traceId: '',
        spanId: '',
        traceState: '',
        flags: 0,
        attributes: [{ key: 'why', value: { stringValue: 'no context' } }],
        droppedAttributesCount: 0,
        target: null,
        record: { cluster: '', topic: '', partition: '', offset: '', key: '' },
        queueTimeNano: null,
      },
    ],
    droppedLinksCount: 4,
    backlinkCount: 0,
    source: trace?.spans[0]?.source,
  })
  expect(trace?.sources[trace.spans[0]?.source ?? -1]).toEqual({
    resource: {
      attributes: [
        { key: 'service.name', value: { stringValue: 'whole' } },
        { key: 'host.name', value: { stringValue: 'a' } },
      ],
      droppedAttributesCount: 5,
      schemaUrl: 'resource-schema',
    },
    scope: {
      name: 'lib',
      version: '1',
      attributes: [{ key: 'x', value: { intValue: '1' } }],
      droppedAttributesCount: 0,
      schemaUrl: 'scope-schema',
    },
  })
})

test('times and durations at the limits of fixed64 are returned exactly', async () => {
  const first = span({ start: 0n, endTimeUnixNano: '18446744073709551615' })
  const backwards = span({ traceId: first.traceId, start: 2n ** 64n - 1n, endTimeUnixNano: '0' })
  await traces.put(tracesOf('extreme', [first, backwards]))
  const trace = await findTrace(traces.store, first.traceId, {})
  expect(trace?.spans.map((one) => [one.startTimeUnixNano, one.endTimeUnixNano])).toEqual([
    ['0', '18446744073709551615'],
    ['18446744073709551615', '0'],
  ])
  const { traces: found } = await searchTraces(traces.store, { service: 'extreme' }, {})
  expect(found).toMatchObject([{ durationNano: '18446744073709551615', spanCount: 2 }])
})

test('SQL syntax in names does not change the queries', async () => {
  const nasty = `'); drop table spans; -- \n\n \\ " {service:String} \u0000 ☃`
  await traces.put(tracesOf(nasty, [span({ start: now, name: nasty })]))
  expect(await ids({ service: nasty, operation: nasty })).toHaveLength(1)
  expect((await listOperations(traces.store, { service: nasty }, {})).operations).toEqual([
    { service: nasty, name: nasty, kind: 'server' },
  ])
  expect((await listServices(traces.store, {})).services).toContain(nasty)
})
