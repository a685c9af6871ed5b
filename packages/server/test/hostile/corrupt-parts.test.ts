import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeTraces, generateSpans } from '@spanlink/testkit/otlp'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { transcodeTraces } from '../../src/otlp/trace/transcode-traces.ts'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'

const SPANS_PER_PART = 2000
const SECONDS_PER_DAY = 86_400

let dir: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-corrupt-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

test('wherever a bit of a part flips, other parts are read, and what is missing is counted and logged', async () => {
  const parts = await storeParts(24)
  // Every file of a part, and data.bin at five places; each in a part of its own, and the rest stay
  // as they are.
  const files = (await readdir(parts[0] as string)).filter((name) => !name.startsWith('metadata_version'))
  const places = [
    ...files.map((file) => ({ file, at: 0.5 })),
    ...[0, 0.1, 0.3, 0.8, 1].map((at) => ({ file: 'data.bin', at })),
  ]
  expect(places.length).toBeLessThan(parts.length)
  for (const [index, { file, at }] of places.entries()) await flipBit(join(parts[index] as string, file), at)

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
  const atQuery = [...log.matchAll(/is corrupt and was set aside/g)].length
  expect(atStart + atQuery).toBe(corruptParts.count)
  expect(atQuery).toBeGreaterThan(3)
}, 240_000)

test('lists that may lack rows of a lost part are not complete and say why, others are complete', async () => {
  const parts = await storeParts(3)
  const midnight = Math.floor(Date.now() / 1000 / SECONDS_PER_DAY) * SECONDS_PER_DAY
  const yesterday = new Date((midnight - 1) * 1000).toISOString().slice(0, 10).replaceAll('-', '')
  const lost = join(parts.find((path) => path.includes(`/${yesterday}_`)) ?? '', 'data.bin')
  await writeFile(lost, (await readFile(lost)).fill(0))

  const store = await openEmbeddedStore(dir)
  await store.query('select sum(cityHash64(*)) from spans', {}, SLOW)
  expect(store.lostParts()).toEqual([{ table: 'spans', day: yesterday }])
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

/** The machine may be busy, and each corrupt part is another try. */
const SLOW = { timeoutMs: 60_000 }

/** Directories of parts of `spans`, each of another day, so that none are merged. */
async function storeParts(count: number): Promise<string[]> {
  const today = Math.floor(Date.now() / 1000)
  const store = await openEmbeddedStore(dir)
  for (let day = 0; day < count; day++) {
    const request = generateSpans({ spans: SPANS_PER_PART, attributes: 3, linkRatio: 0, seed: day + 1 })
    const rows = transcodeTraces(encodeTraces(request), today - day * SECONDS_PER_DAY)
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
  const place = Math.floor((bytes.length - 1) * at)
  bytes.writeUInt8(bytes.readUInt8(place) ^ 0x10, place)
  await writeFile(path, bytes)
}
