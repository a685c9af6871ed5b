import type { LogsResponse, TraceResponse } from '@spanlink/api-schema'
import { encodeTraces, kv, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeLogs } from '../signals/otlp-messages.ts'
import { openSpanlink, type Spanlink } from '../signals/spanlink.ts'

const TRACE = 'ab'.repeat(16)
const SPAN = 'cd'.repeat(8)
const SECOND = 1_000_000_000n
const T = 1_795_132_800n * SECOND

let spanlink: Spanlink

beforeAll(async () => {
  spanlink = await openSpanlink()
  await spanlink.send('/v1/logs', encodeLogs(logsOf('orders', orders)))
  await spanlink.send('/v1/logs', encodeLogs(logsOf('billing', billing)))
  await spanlink.stored()
})

afterAll(async () => {
  await spanlink?.[Symbol.asyncDispose]()
})

const at = (seconds: number): string => String(T + BigInt(seconds) * SECOND)

const orders = [
  { timeUnixNano: at(1), severityNumber: 9, severityText: 'info', body: { stringValue: 'Order 1 taken' } },
  {
    timeUnixNano: at(2),
    severityNumber: 17,
    body: { stringValue: "It's over: 100%_\\ lost" },
    traceId: TRACE,
    spanId: SPAN,
    attributes: [kv('topic', 'orders'), kv('partition', 3)],
  },
  { observedTimeUnixNano: at(3), body: { kvlistValue: { values: [kv('state', 'odd')] } }, traceId: TRACE },
]

const billing = [
  ...Array.from({ length: 5 }, () => ({ timeUnixNano: at(4), severityNumber: 5, body: { stringValue: 'same' } })),
  { timeUnixNano: at(5), eventName: 'invoice.sent', attributes: [kv('a=b', 'c')] },
]

test('log records dated more than a day ahead are found only by a search whose range includes them', async () => {
  const ahead = String((BigInt(Math.floor(Date.now() / 1000)) + 172_800n) * SECOND)
  await spanlink.send(
    '/v1/logs',
    encodeLogs(logsOf('ahead', [{ timeUnixNano: ahead, body: { stringValue: 'early' } }])),
  )
  await spanlink.stored()
  expect((await find({ service: 'ahead' })).logs).toEqual([])
  expect((await find({ service: 'ahead', start: ahead })).logs).toHaveLength(1)
  expect((await find({ service: 'ahead', end: String(2n ** 64n - 1n) })).logs).toHaveLength(1)
})

test('log records are listed newest first with all their fields and their source', async () => {
  const { logs, sources } = await find({ service: 'orders' })
  expect(logs.map((log) => log.timestampUnixNano)).toEqual([at(3), at(2), at(1)])
  expect(logs[1]).toEqual({
    timestampUnixNano: at(2),
    timeUnixNano: at(2),
    observedTimeUnixNano: '0',
    service: 'orders',
    severityNumber: 17,
    severityText: '',
    body: { stringValue: "It's over: 100%_\\ lost" },
    attributes: [kv('topic', 'orders'), kv('partition', 3)],
    droppedAttributesCount: 0,
    flags: 0,
    traceId: TRACE,
    spanId: SPAN,
    eventName: '',
    source: 0,
  })
  expect(logs[0]).toMatchObject({ timeUnixNano: '0', body: { kvlistValue: { values: [kv('state', 'odd')] } } })
  expect(sources[0]?.resource.attributes).toContainEqual(kv('service.name', 'orders'))
})

test.each([
  ['a trace', { traceId: TRACE.toUpperCase() }, [3, 2]],
  ['a span', { traceId: TRACE, spanId: SPAN }, [2]],
  ['minimum severity', { severity: 'info' }, [2, 1]],
  ['text ignoring case', { q: 'ORDER 1' }, [1]],
  ['text with quotes, backslashes and wildcards', { q: "it's over: 100%_\\" }, [2]],
  ['text in a structured body', { q: 'odd' }, [3]],
  ['an attribute and its value', { attribute: 'topic=orders' }, [2]],
  ['an attribute of the resource', { attribute: 'service.name=orders' }, [3, 2, 1]],
  ['an attribute key without a value', { attribute: 'partition' }, [2]],
  ['several attributes', { attribute: ['topic=orders', 'partition=3'] }, [2]],
  ['attributes that no single record has', { attribute: ['topic=orders', 'partition=4'] }, []],
  ['event name', { eventName: 'invoice.sent' }, [5]],
  ['a time range that excludes its end', { start: at(2), end: at(4) }, [3, 2]],
  ['service, oldest first', { service: 'orders', order: 'oldest' }, [1, 2, 3]],
] as const)('a log search finds records by %s', async (_what, query, seconds) => {
  const { logs } = await find(query)
  expect(logs.map((log) => log.timestampUnixNano)).toEqual(seconds.map(at))
})

test.each(['newest', 'oldest'])(
  'log pages sorted %s first contain every record once, including equal records',
  async (order) => {
    const pages: string[][] = []
    let cursor: string | undefined
    do {
      const page = await find({ limit: '2', order, ...(cursor === undefined ? {} : { cursor }) })
      pages.push(page.logs.map((log) => log.timestampUnixNano))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    const all = [1, 2, 3, 4, 4, 4, 4, 4, 5].map(at)
    expect(pages.flat()).toEqual(order === 'oldest' ? all : all.toReversed())
    expect(pages.map((page) => page.length)).toEqual([2, 2, 2, 2, 1])
  },
)

test.each([
  ['spanId', { spanId: SPAN }],
  ['cursor', { cursor: 'x' }],
  ['start', { start: '99999999999999999999' }],
])('a log search with an invalid %s returns 400', async (_parameter, query) => {
  expect((await spanlink.get('/api/logs', query)).status).toBe(400)
})

test('a log record with an event name is shown as an event of its span', async () => {
  const span = { traceId: '12'.repeat(16), spanId: '34'.repeat(8), name: 'work', startTimeUnixNano: at(1) }
  const events = [
    { timeUnixNano: at(1), name: 'first' },
    { timeUnixNano: at(3), name: 'third' },
  ]
  await spanlink.send('/v1/traces', encodeTraces(tracesOf('worker', [{ ...span, events }])))
  const record = { traceId: span.traceId, spanId: span.spanId, body: { stringValue: 'text' } }
  const exception = { ...record, timeUnixNano: at(2), eventName: 'exception', attributes: [kv('exception.type', 'E')] }
  await spanlink.send('/v1/logs', encodeLogs(logsOf('worker', [exception, { ...record, timeUnixNano: at(2) }])))
  await spanlink.stored()
  const { body } = await spanlink.get<TraceResponse>(`/api/traces/${span.traceId}`)
  expect(body.spans[0]?.events.map((event) => [event.timeUnixNano, event.name])).toEqual([
    [at(1), 'first'],
    [at(2), 'exception'],
    [at(3), 'third'],
  ])
  expect(body.spans[0]?.events[1]?.attributes).toEqual([kv('exception.type', 'E')])
})

test('a log attribute filter matches keys inside maps and elements of lists', async () => {
  const list = { arrayValue: { values: [{ stringValue: 'red' }, { intValue: '7' }, { boolValue: true }] } }
  const inner = {
    kvlistValue: {
      values: [
        { key: 'id', value: { stringValue: 'u1' } },
        { key: 'roles', value: list },
      ],
    },
  }
  const attributes = [
    { key: 'tags', value: list },
    { key: 'http.request', value: { kvlistValue: { values: [{ key: 'user', value: inner }] } } },
    kv('json', JSON.stringify(list)),
  ]
  await spanlink.send('/v1/logs', encodeLogs(logsOf('nested', [{ timeUnixNano: at(9), attributes }])))
  await spanlink.stored()
  const count = async (attribute: string): Promise<number> => (await find({ service: 'nested', attribute })).logs.length
  for (const match of ['tags=red', 'tags=7', 'tags=true', 'http.request.user.id=u1', 'http.request.user.roles=red']) {
    expect([match, await count(match)]).toEqual([match, 1])
  }
  expect(await count('http.request.user.id')).toBe(1)
  for (const other of ['tags=blue', 'tags=', 'json=red', 'http.request.user.id=u2', 'http.request.id=u1', 'tags.red']) {
    expect([other, await count(other)]).toEqual([other, 0])
  }
})

function logsOf(service: string, logRecords: readonly object[]): object {
  return { resourceLogs: [{ resource: { attributes: [kv('service.name', service)] }, scopeLogs: [{ logRecords }] }] }
}

async function find(query: Readonly<Record<string, string | readonly string[]>>): Promise<LogsResponse> {
  const { status, body } = await spanlink.get<LogsResponse>('/api/logs', query)
  expect({ status, body }).toMatchObject({ status: 200 })
  return body
}
