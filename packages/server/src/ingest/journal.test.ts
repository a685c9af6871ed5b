import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { TraceRows } from '../otlp/rows.ts'
import { decodeFrames, encodeFrame, type Section } from './frame.ts'
import { Journal, JournalFullError, type JournalOptions } from './journal.ts'
import type { SealedSegment } from './segment.ts'

const DAY = 86_400

let dataDir: string
let sealed: SealedSegment[]

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'spanlink-journal-'))
  sealed = []
})

afterEach(() => rm(dataDir, { recursive: true, force: true }))

test('what was appended is in the next start, in order', async () => {
  const journal = await open()
  await Promise.all(['a', 'b', 'c'].map((text) => journal.append(rowsOf(text))))
  // As after a kill: nothing was closed.
  const next = await open()
  expect(await spansOf(sealed)).toEqual(['a', 'b', 'c'])
  expect(next.depth()).toMatchObject({ segments: 1, bytes: journal.depth().bytes })
  await journal.close()
})

test('a released segment is gone, from the disk and from the depth', async () => {
  const journal = await open({ maxSegmentAgeMs: 1 })
  await journal.append(rowsOf('a'))
  await until(() => sealed.length === 1)
  expect(journal.depth().segments).toBe(1)
  await journal.release(sealed[0] as SealedSegment)
  expect(journal.depth()).toEqual({ segments: 0, bytes: 0, tornBytes: 0 })
  expect(await files()).toEqual([])
})

test('a segment is sealed by age, by rows, by size and by the end of the day', async () => {
  const byAge = await open({ maxSegmentAgeMs: 1 })
  await byAge.append(rowsOf('a'))
  await until(() => sealed.length === 1)
  const byRows = await open({ maxSegmentRows: 2 })
  sealed = []
  await byRows.append(rowsOf('a'))
  await byRows.append(rowsOf('b'))
  await until(() => sealed.length === 1)
  const bySize = await open({ maxSegmentBytes: 1000 })
  sealed = []
  await bySize.append(rowsOf('x'.repeat(1000)))
  await until(() => sealed.length === 1)
  const byDay = await open()
  sealed = []
  await Promise.all([
    byDay.append(rowsOf('a', DAY - 1)),
    byDay.append(rowsOf('b', DAY)),
    byDay.append(rowsOf('c', DAY)),
  ])
  expect(await spansOf(sealed)).toEqual(['a'])
  for (const journal of [byAge, byRows, bySize, byDay]) await journal.close()
  expect(await spansOf(sealed)).toEqual(['a', 'b', 'c'])
})

test('no segment is named as another was', async () => {
  const journal = await open({ maxSegmentRows: 1 })
  for (let i = 0; i < 50; i++) await journal.append(rowsOf(String(i)))
  await journal.close()
  expect(new Set(sealed.map((segment) => segment.id)).size).toBe(50)
})

test('a torn tail is cut at any byte of the last request, and what is before it is whole', async () => {
  const journal = await open()
  await journal.append(rowsOf('kept'))
  const kept = journal.depth().bytes
  await journal.append(rowsOf('torn'))
  const all = journal.depth().bytes
  const [name = ''] = await files()
  const whole = await readFile(join(dataDir, 'journal', name))
  await journal.close()
  for (let length = kept; length < all; length++) {
    const { sections, tornBytes } = decodeFrames(whole.subarray(0, length))
    expect(sections.map(textOf)).toEqual(['kept'])
    expect(tornBytes).toBe(length - kept)
  }
  await truncate(join(dataDir, 'journal', name), all - 1)
  sealed = []
  await open()
  expect(await sealed[0]?.load()).toMatchObject({ tornBytes: all - 1 - kept })
})

test('frames read back as written, and a flipped bit anywhere is noticed', () => {
  const section = fc.record({
    table: fc.constantFrom('spans', 'span_links', 'sources'),
    rows: fc.nat(0xffffffff),
    bytes: fc.uint8Array({ maxLength: 200 }),
  }) as fc.Arbitrary<Section>
  fc.assert(
    fc.property(fc.array(fc.array(section, { maxLength: 3 }), { maxLength: 4 }), fc.nat(), (requests, at) => {
      const file = Buffer.concat(requests.flatMap((sections) => encodeFrame(sections).buffers))
      const plain = (sections: readonly Section[]) => sections.map((s) => ({ ...s, bytes: [...s.bytes] }))
      expect(plain(decodeFrames(file).sections)).toEqual(plain(requests.flat()))
      if (file.length === 0) return
      const bit = at % (file.length * 8)
      file.writeUInt8(file.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(decodeFrames(file).tornBytes).toBeGreaterThan(0)
    }),
  )
})

test('garbage in a segment is counted as torn, and foreign files are left alone', async () => {
  await (await open()).close()
  await writeFile(join(dataDir, 'journal', 'x.segment'), 'no frame at all')
  await writeFile(join(dataDir, 'journal', 'README'), 'mine')
  sealed = []
  await open()
  expect(sealed).toHaveLength(1)
  expect(await sealed[0]?.load()).toEqual({ sections: [], tornBytes: 15 })
  expect(await files()).toContain('README')
})

test('over the backlog limit requests are refused, and taken again once there is room', async () => {
  const journal = await open({ maxBacklogBytes: 1000, maxSegmentRows: 1 })
  await journal.append(rowsOf('x'.repeat(600)))
  await expect(journal.append(rowsOf('y'.repeat(600)))).rejects.toBeInstanceOf(JournalFullError)
  await until(() => sealed.length === 1)
  await journal.release(sealed[0] as SealedSegment)
  await journal.append(rowsOf('z'.repeat(600)))
  await journal.close()
  expect(await spansOf(sealed.slice(1))).toEqual(['z'.repeat(600)])
})

test('a write that fails is refused whole, and leaves nothing to replay', async () => {
  const journal = await open()
  await rm(join(dataDir, 'journal'), { recursive: true })
  await expect(journal.append(rowsOf('a'))).rejects.toMatchObject({ code: 'ENOENT' })
  expect(journal.depth()).toEqual({ segments: 0, bytes: 0, tornBytes: 0 })
})

test('what is not kept in memory is read from the disk', async () => {
  const journal = await open({ maxMemoryBytes: 0, maxSegmentRows: 1, fsync: true })
  await journal.append(rowsOf('a'))
  await journal.close()
  expect(sealed[0]?.memoryBytes()).toBe(0)
  expect(await spansOf(sealed)).toEqual(['a'])
})

test('a closed journal takes no more', async () => {
  const journal = await open()
  await journal.close()
  await expect(journal.append(rowsOf('a'))).rejects.toBeInstanceOf(JournalFullError)
})

function open(options: Partial<JournalOptions> = {}): Promise<Journal> {
  const keep = sealed
  return Journal.open({
    dataDir,
    log: () => {},
    maxSegmentAgeMs: 60_000,
    onSealed: (segment) => (keep === sealed ? keep : sealed).push(segment),
    ...options,
  })
}

function rowsOf(text: string, receivedUnixSeconds = DAY): TraceRows {
  return {
    receivedUnixSeconds,
    spans: Buffer.from(text),
    spanLinks: new Uint8Array(),
    sources: new Uint8Array(),
    spanCount: 1,
    linkCount: 0,
    sourceCount: 0,
    rejectedSpans: 0,
    rejectReason: '',
  }
}

async function spansOf(segments: readonly SealedSegment[]): Promise<string[]> {
  const loaded = await Promise.all(segments.map((segment) => segment.load()))
  return loaded.flatMap(({ sections }) => sections.map(textOf))
}

function textOf(section: Section): string {
  return Buffer.from(section.bytes).toString()
}

async function files(): Promise<string[]> {
  return (await readdir(join(dataDir, 'journal'))).sort()
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}
