import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FlowResponse, type LinksResponse, type StatusResponse, type TraceResponse } from '@spanlink/api-schema'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClientStore } from '../../src/clickhouse/client-store.ts'
import { PAYLOAD_VERSION } from '../../src/clickhouse/insert/trace-rows.ts'
import { linkTo, span, type TestSpan } from '../flow/kafka-spans.ts'
import { openSpanlink, type Spanlink } from '../signals/spanlink.ts'
import { type BareEngine, startEngineWithTables } from '../store/bare-engine.ts'

const lines: string[] = []
let dir: string
let engine: BareEngine
let spanlink: Spanlink
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-damaged-rows-'))
  engine = await startEngineWithTables(dir)
  const log = (line: string): number => lines.push(line)
  spanlink = await openSpanlink({ log, store: createClientStore('embedded', () => engine.client, { log }) })
})
afterAll(async () => {
  await spanlink[Symbol.asyncDispose]()
  await engine.stop()
  await rm(dir, { recursive: true, force: true })
})

const SPAN = 1
const BACKLINK = 2
type Row = Readonly<Record<'shape' | 'head' | 'body', Buffer>>
let added = 0

/** Copies the row of a span, or of a link to it, under the id of a trace, with damage. */
async function addDamaged(
  span: TestSpan,
  damage: (row: Row) => Row,
  { type = SPAN, traceId = span.traceId } = {},
): Promise<void> {
  const rows = await spanlink.store.query<Record<keyof Row, string>>(
    `select base64Encode(shape) as shape, base64Encode(head) as head, base64Encode(body) as body from trace_rows
    where trace_id = unhex({traceId:String}) and span_id = unhex({spanId:String}) and type = {type:UInt8}`,
    { traceId: span.traceId, spanId: span.spanId, type },
  )
  const [row] = rows.map(({ shape, head, body }) => ({ shape: decode(shape), head: decode(head), body: decode(body) }))
  const { shape, head, body } = damage(row as Row)
  added++
  const payloads = [shape, head, body].map((bytes) => `unhex('${bytes.toString('hex')}')`)
  await engine.client.command(
    `insert into trace_rows values (now(), unhex('${traceId}'), ${type}, unhex('${Buffer.alloc(8, added).toString('hex')}'), ${payloads.join(', ')})`,
  )
}

function decode(base64: string): Buffer {
  return Buffer.from(base64, 'base64')
}

const withVersion =
  (version: number) =>
  (row: Row): Row => ({ ...row, shape: Buffer.from([version, ...row.shape.subarray(1)]) })

test('damaged rows of a trace are left out, logged and counted, and its responses are incomplete', async () => {
  const root = span({ name: 'root', at: 0 })
  const child = span({ name: 'child', at: 1, in: root })
  const linking = span({ name: 'linking', at: 2, links: [linkTo(child)] })
  const whole = span({ name: 'whole', at: 3 })
  await spanlink.send('/v1/traces', encodeTraces(tracesOf('shop', [root, child, linking, whole])))
  await spanlink.stored()
  const path = `/api/traces/${root.traceId}`
  const names = ({ spans }: TraceResponse): string[] => spans.map(({ name }) => name)
  const complete = await spanlink.get<TraceResponse>(path)
  expect(complete.body.missingParts).toBeUndefined()

  await addDamaged(root, withVersion(PAYLOAD_VERSION + 1))
  await addDamaged(root, (row) => ({ ...row, body: row.body.subarray(0, -1) }))
  await addDamaged(root, (row) => ({ ...row, head: row.head.subarray(0, 20) }))
  await addDamaged(child, withVersion(0), { type: BACKLINK })
  const { body: trace } = await spanlink.get<TraceResponse>(path)
  expect(names(trace)).toEqual(['root', 'child'])
  expect(trace.spans.map(({ backlinkCount }) => backlinkCount)).toEqual([0, 1])
  expect(trace.missingParts).toBe(true)
  for (const rest of ['/skeleton', '/spans?text=root', `/spans/${root.spanId}`]) {
    expect((await spanlink.get(path + rest)).body).toMatchObject({ missingParts: true })
  }
  const { body: links } = await spanlink.get<LinksResponse>(`${path}/links`)
  expect(links).toMatchObject({ links: [{ direction: 'in' }], missingParts: true })
  const { body: flow } = await spanlink.get<FlowResponse>(`/api/flows/${root.traceId}`)
  expect(flow).toMatchObject({ complete: false, missingParts: true })
  const { body: jaeger } = await spanlink.get(`/jaeger/api/traces/${root.traceId}`)
  expect(jaeger).toMatchObject({ data: [{}], errors: [{ code: 206 }] })
  expect((await spanlink.get<TraceResponse>(`/api/traces/${whole.traceId}`)).body.missingParts).toBeUndefined()

  const { body: status } = await spanlink.get<StatusResponse>('/api/status')
  expect(status.damagedRows).toBe(4)
  const logged = lines.filter((line) => line.includes(root.traceId))
  expect(logged).toHaveLength(1)
  expect(logged[0]).toMatch(/^4 stored rows of the trace .* can't be decoded .*: span id .*, /)
})

test('a trace with damaged rows only is not found, and its 404 says that it may be incomplete', async () => {
  const stored = span({ at: 0 })
  const traceId = 'f'.repeat(32)
  await spanlink.send('/v1/traces', encodeTraces(tracesOf('shop', [stored])))
  await spanlink.stored()
  await addDamaged(stored, withVersion(PAYLOAD_VERSION + 1), { traceId })
  const detail = expect.stringContaining('1 table part or row cannot be read; the trace may be incomplete') as string
  for (const path of ['', '/skeleton', '/spans/0303030303030303']) {
    const response = await spanlink.get(`/api/traces/${traceId}${path}`)
    expect(response).toMatchObject({ status: 404, body: { detail, missingParts: true } })
  }
})
