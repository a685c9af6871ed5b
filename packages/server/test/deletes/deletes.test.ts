import type {
  AttributesResponse,
  DeleteTraceResponse,
  DeleteTracesResponse,
  FlowResponse,
  LinksResponse,
  LogsResponse,
  MetricSeriesResponse,
  TopologyResponse,
  TracesResponse,
} from '@spanlink/api-schema'
import { encodeTraces, kv, type OtlpSpan, tracesOf } from '@spanlink/testkit/otlp'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { expect, test } from 'vitest'
import { linkTo, MS, nowNano, span } from '../query/order-spans.ts'
import { encodeLogs, encodeMetrics } from '../signals/otlp-messages.ts'
import { openSpanlink, type Spanlink } from '../signals/spanlink.ts'

const orders = [kv('messaging.system', 'kafka'), kv('messaging.destination.name', 'orders')]

/** Three traces in a row: `send`, then `process` with its child, then `notify`. */
function createFlow(start = nowNano() - 5000n * MS) {
  const send = span({
    name: 'send orders',
    kind: 4,
    start,
    attributes: [...orders, kv('messaging.operation.type', 'send')],
  })
  const process = span({
    name: 'process orders',
    kind: 5,
    start: start + 20n * MS,
    duration: 500n * MS,
    links: [linkTo(send, 7)],
    status: { code: 2, message: 'card declined' },
    attributes: [
      ...orders,
      kv('messaging.operation.type', 'process'),
      kv('messaging.consumer.group.name', 'payments'),
      kv('customer', 'erika'),
    ],
  })
  const child = span({
    traceId: process.traceId,
    parentSpanId: process.spanId,
    name: 'charge',
    start: start + 25n * MS,
  })
  const notify = span({ name: 'notify', kind: 5, start: start + 900n * MS, links: [linkTo(process, 8)] })
  return { send, process, child, notify }
}

async function sendFlow(spanlink: Spanlink, { send, process, child, notify }: ReturnType<typeof createFlow>) {
  const put = (service: string, spans: readonly OtlpSpan[]) =>
    spanlink.send('/v1/traces', encodeTraces(tracesOf(service, spans)))
  await put('shop', [send])
  await put('payment', [process, child])
  await put('mail', [notify])
  const record = (traceId: string) => ({
    timeUnixNano: process.startTimeUnixNano,
    body: { stringValue: `log of ${traceId}` },
    traceId,
  })
  const resource = { attributes: [kv('service.name', 'payment')] }
  const logRecords = [record(process.traceId), record(send.traceId)]
  await spanlink.send('/v1/logs', encodeLogs({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] }))
  const exemplars = [process, send].map(({ traceId, spanId }) => ({
    timeUnixNano: process.startTimeUnixNano,
    asDouble: 1,
    traceId,
    spanId,
  }))
  const dataPoints = [{ timeUnixNano: process.startTimeUnixNano, asDouble: 1, exemplars }]
  const metrics = [{ name: 'charges', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints } }]
  await spanlink.send('/v1/metrics', encodeMetrics({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] }))
}

/** Everything that names a trace: pages, lists, and rows of its own in any table. */
async function findTraces({ get, store }: Spanlink, { send, process, notify }: ReturnType<typeof createFlow>) {
  const { traceId } = process
  const range = { start: String(BigInt(send.startTimeUnixNano as string) - 60_000n * MS) }
  const links = (await get<LinksResponse>(`/api/traces/${send.traceId}/links`, { direction: 'in' })).body.links
  const found = (await get<TracesResponse>('/api/traces', range)).body.traces
  const byQuery = (await get<TracesResponse>('/api/traces', { ...range, q: '{ span.customer = "erika" }' })).body.traces
  const flow = (await get<FlowResponse>(`/api/flows/${send.traceId}`)).body
  const logs = (await get<LogsResponse>('/api/logs', range)).body.logs
  const values = (await get<AttributesResponse>('/api/attributes', { ...range, key: '.customer' })).body.values ?? []
  const series = (await get<MetricSeriesResponse>('/api/metrics/series', { ...range, name: 'charges' })).body
  const topology = (await get<TopologyResponse>('/api/topology', range)).body
  const count = async (sql: string) => Number((await store.query<{ n: string }>(sql, { traceId }))[0]?.n)
  return {
    page: (await get(`/api/traces/${traceId}`)).status,
    skeleton: (await get(`/api/traces/${traceId}/skeleton`)).status,
    backlinks: links.filter((link) => link.peerTraceId === traceId).length,
    listed: found.filter((trace) => trace.traceId === traceId).length,
    others: found.filter((trace) => [send.traceId, notify.traceId].includes(trace.traceId)).length,
    byQuery: byQuery.length,
    lanes: flow.lanes.filter((lane) => lane.traceId === traceId).length,
    logs: logs.filter((log) => log.traceId === traceId).length,
    otherLogs: logs.filter((log) => log.traceId === send.traceId).length,
    values: values.length,
    exemplars: (series.exemplars ?? []).filter((one) => one.traceId === traceId).length,
    otherExemplars: (series.exemplars ?? []).filter((one) => one.traceId === send.traceId).length,
    examples: topology.edges.filter(({ slowest, failed }) => [slowest?.traceId, failed?.traceId].includes(traceId))
      .length,
    messages: topology.edges.reduce((sum, { count: messages }) => sum + messages, 0),
    fetchRows: await count('select count() as n from trace_rows where trace_id = unhex({traceId:String})'),
    ownBacklinks: await count(
      "select count() as n from trace_rows where type = 'backlink' and substring(head, 1, 16) = unhex({traceId:String})",
    ),
    searchRows: await count('select count() as n from spans where trace_id = unhex({traceId:String})'),
  }
}

const STORED = {
  page: 200,
  skeleton: 200,
  backlinks: 1,
  listed: 1,
  others: 2,
  byQuery: 1,
  lanes: 1,
  logs: 1,
  otherLogs: 1,
  values: 1,
  exemplars: 1,
  otherExemplars: 1,
  examples: expect.toSatisfy((count: number) => count > 0),
  messages: expect.toSatisfy((count: number) => count > 0),
  fetchRows: 3,
  ownBacklinks: 1,
  searchRows: 2,
}

const DELETED = {
  ...STORED,
  page: 404,
  skeleton: 404,
  backlinks: 0,
  listed: 0,
  byQuery: 0,
  lanes: 0,
  logs: 0,
  values: 0,
  exemplars: 0,
  examples: 0,
  fetchRows: 0,
  ownBacklinks: 0,
  searchRows: 0,
}

test('a deleted trace is gone from every page, list and table, and other traces stay', async () => {
  await using spanlink = await openSpanlink()
  const flow = createFlow()
  await sendFlow(spanlink, flow)
  await spanlink.stored()
  expect(await findTraces(spanlink, flow)).toEqual(STORED)
  const path = `/api/traces/${flow.process.traceId}`
  expect(await spanlink.delete<DeleteTraceResponse>(path)).toEqual({ status: 200, body: { deletedSpans: 2 } })
  expect(await findTraces(spanlink, flow)).toEqual(DELETED)
  expect(await spanlink.delete(path)).toMatchObject({ status: 404, body: { title: 'Not found' } })
})

test('a delete includes spans that are acknowledged and not stored yet, and later ones are stored', async () => {
  await using spanlink = await openSpanlink()
  const flow = createFlow()
  await sendFlow(spanlink, flow)
  const path = `/api/traces/${flow.process.traceId}`
  expect(await spanlink.delete(path)).toEqual({ status: 200, body: { deletedSpans: 2 } })
  await spanlink.stored()
  expect(await findTraces(spanlink, flow)).toEqual(DELETED)
  await spanlink.send('/v1/traces', encodeTraces(tracesOf('payment', [flow.child])))
  await spanlink.stored()
  expect(await spanlink.get(path)).toMatchObject({ status: 200, body: { spans: [{ name: 'charge' }] } })
})

test('rows stay deleted when parts are merged, also those merged before', async () => {
  await using spanlink = await openSpanlink()
  const [first, second] = [createFlow(), createFlow()]
  await sendFlow(spanlink, first)
  await spanlink.stored()
  await spanlink.store.changeRows('optimize table trace_rows final', {})
  await sendFlow(spanlink, second)
  for (const { process } of [first, second]) {
    expect((await spanlink.delete(`/api/traces/${process.traceId}`)).status).toBe(200)
  }
  for (const table of ['trace_rows', 'spans', 'logs', 'traffic_minutes', 'metric_points']) {
    await spanlink.store.changeRows(`optimize table ${table} final`, {})
  }
  for (const { process, send } of [first, second]) {
    expect((await spanlink.get(`/api/traces/${process.traceId}`)).status).toBe(404)
    expect((await spanlink.get(`/api/traces/${send.traceId}`)).status).toBe(200)
  }
  const ids = [first, second].flatMap((flow) => Object.values(flow).map(({ traceId }) => traceId))
  const rows = await spanlink.store.query(
    'select count() as spans from spans where has({ids:Array(String)}, lower(hex(trace_id)))',
    { ids },
  )
  expect(rows).toEqual([{ spans: '4' }])
})

test('traces that match a query are deleted page by page, and others stay', async () => {
  await using spanlink = await openSpanlink()
  const start = nowNano() - 1000n * MS
  const of = (service: string, count: number) =>
    tracesOf(
      service,
      Array.from({ length: count }, (_, at) => span({ start: start + BigInt(at) * MS })),
    )
  await spanlink.send('/v1/traces', encodeTraces(of('old', 25)))
  await spanlink.send('/v1/traces', encodeTraces(of('new', 5)))
  await spanlink.stored()
  const query = { q: '{ resource.service.name = "old" }', limit: '10' }
  const counts: number[] = []
  for (let cursor: string | undefined; ;) {
    const { body } = await spanlink.delete<DeleteTracesResponse>('/api/traces', {
      ...query,
      ...(cursor === undefined ? {} : { cursor }),
    })
    counts.push(body.deletedTraces)
    cursor = body.nextCursor
    if (cursor === undefined) break
  }
  expect(counts).toEqual([10, 10, 5])
  const services = "select service, count() as n from spans where service in ('old', 'new') group by service"
  expect(await spanlink.store.query(services)).toEqual([{ service: 'new', n: '5' }])
})

test.each([
  ['', 400],
  ['{ status = ', 400],
  ['{ } | rate()', 400],
])('a delete by the query %j is refused', async (q, status) => {
  await using spanlink = await openSpanlink()
  expect((await spanlink.delete('/api/traces', { q })).status).toBe(status)
})

test('a delete without a query is refused', async () => {
  await using spanlink = await openSpanlink()
  expect((await spanlink.delete('/api/traces')).status).toBe(400)
})

test('a DELETE with a content type but without a body is accepted', async () => {
  await using server = await startSpanlink()
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${server.url}/api/traces/${'ab'.repeat(16)}`, { method: 'DELETE', headers })
  expect(response.status).toBe(404)
})

test('logs that arrive after their trace was deleted, or have none, can be deleted too', async () => {
  await using spanlink = await openSpanlink()
  const traceId = 'd1'.repeat(16)
  const late = { traceId, timeUnixNano: String(nowNano()), body: { stringValue: 'late' } }
  await spanlink.send('/v1/logs', encodeLogs({ resourceLogs: [{ scopeLogs: [{ logRecords: [late] }] }] }))
  const path = `/api/traces/${traceId}`
  expect((await spanlink.delete<DeleteTraceResponse>(path)).body).toEqual({ deletedSpans: 0 })
  const { body } = await spanlink.get<LogsResponse>('/api/logs', { traceId })
  expect(body.logs).toEqual([])
  expect((await spanlink.delete(path)).status).toBe(404)
})
