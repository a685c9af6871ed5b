import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeTraces, generateSpans, type OtlpSpan } from '@spanlink/testkit/otlp'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { transcodeTraces } from '../signals/transcode.ts'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'

const SPANS_PER_PART = 2000
const SECONDS_PER_DAY = 86_400

let dir: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-corrupt-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

test('a flipped bit in any file of a part makes only that part unreadable, counted and logged', async () => {
  const parts = await storeParts(24)
  // Every file of a part, and data.bin at five positions, each in a different part; the other
  // parts stay intact.
  const files = (await readdir(parts[0] as string)).filter((name) => !name.startsWith('metadata_version'))
  const flips = [
    ...files.map((file) => ({ file, at: 0.5 })),
    ...[0, 0.1, 0.3, 0.8, 1].map((at) => ({ file: 'data.bin', at })),
  ]
  expect(flips.length).toBeLessThan(parts.length)
  for (const [index, { file, at }] of flips.entries()) await flipBit(join(parts[index] as string, file), at)

  const lines: string[] = []
  const store = await openEmbeddedStore(dir, { log: (line) => lines.push(line) })
  const [all] = await store.query<{ n: string }>('select count() as n, sum(cityHash64(*)) as hash from spans', {}, SLOW)
  const day = await store.query('select name from spans where trace_id = {id:String}', { id: 'x'.repeat(16) }, SLOW)
  expect(day).toEqual([])
  const [after] = await store.query<{ n: string }>(
    'select count() as n, sum(cityHash64(*)) as hash from spans',
    {},
    SLOW,
  )
  const { corruptParts } = await store.info()
  await store.close()

  // A flip in some small files changes nothing that is read.
  expect(corruptParts.count).toBeGreaterThan(8)
  expect(corruptParts.tables).toEqual(['spans'])
  expect(corruptParts.bytes).toBeGreaterThan(0)
  expect(Number(all?.n)).toBeGreaterThanOrEqual(Number(after?.n))
  expect(Number(after?.n)).toBe((parts.length - corruptParts.count) * SPANS_PER_PART)
  const log = lines.join('\n')
  const atStart = Number(/^(\d+) parts \(\d+ bytes\) of the tables spans can't be read/m.exec(log)?.[1])
  const atQuery = [...log.matchAll(/is corrupt and was detached/g)].length
  expect(atStart + atQuery).toBe(corruptParts.count)
  expect(atQuery).toBeGreaterThan(3)
}, 240_000)

test('a list is incomplete with missingParts only if its time range includes a lost part', async () => {
  const parts = await storeParts(3)
  const midnight = Math.floor(Date.now() / 1000 / SECONDS_PER_DAY) * SECONDS_PER_DAY
  const yesterday = new Date((midnight - 1) * 1000).toISOString().slice(0, 10).replaceAll('-', '')
  const lost = join(parts.find((path) => path.includes(`/${yesterday}_`)) ?? '', 'data.bin')
  await writeFile(lost, (await readFile(lost)).fill(0))

  const store = await openEmbeddedStore(dir)
  await store.query('select sum(cityHash64(*)) from spans', {}, SLOW)
  expect(store.missingParts()).toEqual([{ table: 'spans', day: yesterday }])
  await store.close()

  await using server = await startSpanlink({ dataDir: dir })
  const rangeOf = async (path: string, start: number): Promise<unknown> => {
    const url = `${path}?start=${start}000000000${path === '/api/traces' ? '&service=none' : ''}`
    const { complete, missingParts } = (await server.getJson(url)) as Record<string, unknown>
    return { complete, missingParts }
  }
  const incomplete = { complete: false, missingParts: true }
  const complete = { complete: true, missingParts: undefined }
  expect(await rangeOf('/api/traces', midnight - 3 * SECONDS_PER_DAY)).toEqual(incomplete)
  expect(await rangeOf('/api/traces', midnight - SECONDS_PER_DAY)).toEqual(incomplete)
  expect(await rangeOf('/api/messages/unconsumed', midnight - SECONDS_PER_DAY)).toEqual(incomplete)
  expect(await rangeOf('/api/traces', midnight)).toEqual(complete)
  expect(await rangeOf('/api/logs', midnight - SECONDS_PER_DAY)).toEqual(complete)
  expect(await server.getJson('/api/services')).toMatchObject(incomplete)
}, 240_000)

test('every API marks a trace that may lack spans of a lost part, and no other trace', async () => {
  const [older, lost, recent, whole] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(32)) as [
    string,
    string,
    string,
    string,
  ]
  const ago = (days: number): number => Math.floor(Date.now() / 1000) - days * SECONDS_PER_DAY
  const store = await openEmbeddedStore(dir)
  // A span of `older` arrived on the lost day, all of `lost` did, and `recent` links to `lost`.
  const arrivals: [number, OtlpSpan[]][] = [
    [2, [createSpan(older, 1, ago(2))]],
    [1, [createSpan(older, 2, ago(1)), createSpan(lost, 1, ago(1))]],
    [
      0,
      [
        { ...createSpan(recent, 1, ago(0)), links: [{ traceId: lost, spanId: '1'.repeat(16) }] },
        createSpan(whole, 1, ago(0)),
      ],
    ],
  ]
  for (const [days, spans] of arrivals) {
    const rows = transcodeTraces(encodeTraces({ resourceSpans: [{ scopeSpans: [{ spans }] }] }), ago(days))
    await store.insert('sources', [rows.sources], `sources ${days}`)
    await store.insert('trace_rows', [rows.spans], `spans ${days}`)
    await store.insert('spans', [rows.spans], `spans ${days}`)
  }
  const day = new Date(ago(1) * 1000).toISOString().slice(0, 10).replaceAll('-', '')
  const [part] = await store.query<{ path: string }>(
    "select path from system.parts where database = currentDatabase() and table = 'trace_rows' and active and partition_id = {day:String}",
    { day },
  )
  await store.close()
  const data = join(part?.path ?? '', 'data.bin')
  await writeFile(data, (await readFile(data)).fill(0))

  await using server = await startSpanlink({ dataDir: dir })
  const fetchPath = async (path: string, accept = 'application/json') => {
    const response = await fetch(server.url + path, { headers: { accept } })
    return { status: response.status, warning: response.headers.get('warning'), text: await response.text() }
  }
  const readMissingParts = async (path: string): Promise<unknown> => {
    const { complete, missingParts } = JSON.parse((await fetchPath(path)).text) as Record<string, unknown>
    return complete === undefined ? missingParts : { complete, missingParts }
  }
  // A query finds the part corrupt, and the server detaches it.
  expect(JSON.parse((await fetchPath(`/api/traces/${older}`)).text)).toMatchObject({ spans: [{}], missingParts: true })
  expect(await readMissingParts(`/api/traces/${older}/skeleton`)).toBe(true)
  expect(await readMissingParts(`/api/traces/${older}/links`)).toBe(true)
  expect(await readMissingParts(`/api/traces/${older}/spans?text=work`)).toBe(true)
  expect(await readMissingParts(`/api/traces/${older}/spans/${'1'.repeat(16)}`)).toBe(true)
  expect(await readMissingParts(`/api/flows/${older}`)).toEqual({ complete: false, missingParts: true })
  // The link target of `recent` may be lost; `recent` itself is complete.
  expect(await readMissingParts(`/api/traces/${recent}`)).toBeUndefined()
  expect(await readMissingParts(`/api/traces/${recent}/links`)).toBe(true)
  expect(await readMissingParts(`/api/flows/${recent}`)).toEqual({ complete: false, missingParts: true })
  expect(await readMissingParts(`/api/traces/${whole}`)).toBeUndefined()
  expect(await readMissingParts(`/api/traces/${whole}/links`)).toBeUndefined()
  expect(await readMissingParts(`/api/flows/${whole}`)).toEqual({ complete: true, missingParts: undefined })

  const describeLoss = (what: string): string =>
    `1 table part or row cannot be read; ${what} may be incomplete or missing. See the server log.`
  const message = describeLoss('spans of the trace')
  const problem = {
    status: 404,
    detail: expect.stringContaining(describeLoss('the trace')) as string,
    missingParts: true,
  }
  for (const path of ['', '/skeleton', `/spans/${'1'.repeat(16)}`])
    expect(JSON.parse((await fetchPath(`/api/traces/${lost}${path}`)).text)).toMatchObject(problem)

  const partial = { code: 206, msg: message }
  const readJaeger = async (path: string): Promise<unknown> => JSON.parse((await fetchPath(`/jaeger/api${path}`)).text)
  expect(await readJaeger(`/traces/${older}`)).toMatchObject({ data: [{ traceID: older }], errors: [partial] })
  expect(await readJaeger(`/traces/${whole}`)).toMatchObject({ data: [{ traceID: whole }], errors: null })
  expect(await readJaeger('/services')).toMatchObject({ errors: [{ code: 206, msg: describeLoss('services') }] })
  expect(await readJaeger(`/traces/${lost}`)).toMatchObject({
    errors: [
      { code: 404, msg: 'trace not found' },
      { code: 206, msg: describeLoss('the trace') },
    ],
  })
  const search = (days: number): string => `/traces?service=unknown_service&start=${ago(days)}000000`
  expect(await readJaeger(search(3))).toMatchObject({ errors: [{ code: 206 }] })
  expect(await readJaeger(search(0))).toMatchObject({ errors: null })
  const warning = `199 - "${message}"`
  expect(await fetchPath(`/jaeger/api/v3/traces/${older}`)).toMatchObject({ status: 200, warning })
  expect(await fetchPath(`/jaeger/api/v3/traces/${whole}`)).toMatchObject({ status: 200, warning: null })
  for (const what of ['services', 'operations'])
    expect((await fetchPath(`/jaeger/api/v3/${what}`)).warning).toBe(`199 - "${describeLoss(what)}"`)
  for (const path of ['/api/v2/search', '/api/search']) {
    expect((await fetchPath(`/tempo${path}/tags`)).warning).toBe(`199 - "${describeLoss('names')}"`)
    expect((await fetchPath(`/tempo${path}/tag/name/values`)).warning).toBe(`199 - "${describeLoss('values')}"`)
  }

  const readTempo = async (path: string): Promise<unknown> => JSON.parse((await fetchPath(`/tempo/api${path}`)).text)
  expect(await readTempo(`/v2/traces/${older}`)).toMatchObject({ status: 'PARTIAL', message })
  expect(await readTempo(`/v2/traces/${whole}`)).not.toHaveProperty('status')
  const protobuf = (await fetchPath(`/tempo/api/v2/traces/${older}`, 'application/protobuf')).text
  expect(protobuf.slice(-message.length)).toBe(message)
  expect(await fetchPath(`/tempo/api/traces/${older}`)).toMatchObject({ status: 200, warning })
  expect(await fetchPath(`/tempo/api/traces/${whole}`)).toMatchObject({ status: 200, warning: null })
  expect(await fetchPath(`/tempo/api/traces/${lost}`)).toMatchObject({
    status: 404,
    text: `trace not found. ${describeLoss('the trace')}`,
  })
  const query = (days: number): string => `q=${encodeURIComponent('{}')}&start=${ago(days)}&end=${ago(-1)}`
  expect(await readTempo(`/search?${query(3)}`)).toMatchObject({ metrics: { completedJobs: 1, totalJobs: 2 } })
  expect(await readTempo(`/search?${query(0)}`)).toMatchObject({ metrics: { completedJobs: 1, totalJobs: 1 } })
  const rate = (days: number): string => `/metrics/query_range?${query(days).replace('%7D', '%7D%20%7C%20rate()')}`
  expect(await readTempo(rate(3))).toMatchObject({ status: 'PARTIAL' })
  expect(await readTempo(rate(0))).not.toHaveProperty('status')
}, 240_000)

test('a tail sends a partial event first when recent traces may be lost', async () => {
  const [part = ''] = await storeParts(1)
  await writeFile(join(part, 'data.bin'), (await readFile(join(part, 'data.bin'))).fill(0))
  const store = await openEmbeddedStore(dir)
  await store.query('select sum(cityHash64(*)) from spans', {}, SLOW)
  await store.close()

  await using server = await startSpanlink({ dataDir: dir })
  const { body } = await fetch(`${server.url}/api/traces/tail`)
  const { value } = (await body?.pipeThrough(new TextDecoderStream()).getReader().read()) ?? {}
  expect(value).toMatch(/^event: partial\ndata: .*"complete":false,"missingParts":true}\n/)
}, 240_000)

function createSpan(traceId: string, digit: number, startSeconds: number): OtlpSpan {
  const start = BigInt(startSeconds) * 1_000_000_000n
  return {
    traceId,
    spanId: String(digit).repeat(16),
    parentSpanId: digit === 1 ? '' : '1'.repeat(16),
    name: 'work',
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + 1_000_000n),
  }
}

/** Each corrupt part causes another attempt, which is slow under load. */
const SLOW = { timeoutMs: 60_000 }

/** Directories of parts of `spans`, each of another day, so that none are merged. */
async function storeParts(count: number): Promise<string[]> {
  const today = Math.floor(Date.now() / 1000)
  const store = await openEmbeddedStore(dir)
  for (let day = 0; day < count; day++) {
    const request = generateSpans({ spans: SPANS_PER_PART, attributes: 3, linkRatio: 0, seed: day + 1 })
    const rows = transcodeTraces(encodeTraces(request), today - day * SECONDS_PER_DAY)
    await store.insert('trace_rows', [rows.spans], `day ${day}`)
    await store.insert('spans', [rows.spans], `day ${day}`)
  }
  const parts = await store.query<{ path: string }>(
    "select path from system.parts where database = currentDatabase() and table = 'spans' and active",
  )
  await store.close()
  expect(parts).toHaveLength(count)
  return parts.map(({ path }) => path)
}

/** @param at 0 = the first byte, 1 = the last */
async function flipBit(path: string, at: number): Promise<void> {
  const bytes = await readFile(path)
  const byteIndex = Math.floor((bytes.length - 1) * at)
  bytes.writeUInt8(bytes.readUInt8(byteIndex) ^ 0x10, byteIndex)
  await writeFile(path, bytes)
}
