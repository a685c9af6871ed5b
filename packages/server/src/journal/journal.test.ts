import { mkdtemp, readdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RowBatch } from '../otlp/rows.ts'
import { decodeFrames, encodeFrame } from './frame.ts'
import { Journal } from './journal.ts'
import type { JournalOptions } from './journal-options.ts'
import { listQuarantined, retryQuarantined } from './quarantine.ts'
import type { SealedSegment } from './segment.ts'

const DAY = 86_400

let dataDir: string
let sealed: SealedSegment[]

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'spanlink-journal-'))
  sealed = []
})

afterEach(() => rm(dataDir, { recursive: true, force: true }))

test('appended rows are read by the next start, in order, also after a kill', async () => {
  const journal = await open()
  await Promise.all(['a', 'b', 'c'].map((text) => journal.append(rowsOf(text))))
  // The journal is not closed, as after a kill.
  const next = await open()
  expect(await spansOf(sealed)).toEqual(['a', 'b', 'c'])
  expect(next.getDepth()).toMatchObject({ segments: 1, bytes: journal.getDepth().bytes })
  await journal.close()
})

test('a released segment is removed from the disk and from the depth', async () => {
  const journal = await open({ maxSegmentAgeMs: 1 })
  await journal.append(rowsOf('a'))
  await until(() => sealed.length === 1)
  expect(journal.getDepth().segments).toBe(1)
  await journal.release(sealed[0] as SealedSegment)
  expect(journal.getDepth()).toEqual({ segments: 0, bytes: 0, tornBytes: 0, unreadableBytes: 0 })
  expect(await files()).toEqual([])
})

test('a segment is sealed by age, by row count, by size and at the end of the day', async () => {
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

test('each segment has a unique name', async () => {
  const journal = await open({ maxSegmentRows: 1 })
  for (let i = 0; i < 50; i++) await journal.append(rowsOf(String(i)))
  await journal.close()
  expect(new Set(sealed.map((segment) => segment.id)).size).toBe(50)
})

test('a segment cut at any byte of its last request is torn, and its earlier requests are read', async () => {
  const journal = await open()
  await journal.append(rowsOf('kept'))
  const kept = journal.getDepth().bytes
  await journal.append(rowsOf('torn'))
  const all = journal.getDepth().bytes
  const [name = ''] = await files()
  const intact = await readFile(join(dataDir, 'journal', name))
  await journal.close()
  for (let length = kept; length < all; length++) {
    const { batches, tornBytes } = decodeFrames(intact.subarray(0, length), name.slice(0, -'.segment'.length))
    expect(batches.map(textOf)).toEqual(['kept'])
    expect(tornBytes).toBe(length - kept)
  }
  await truncate(join(dataDir, 'journal', name), all - 1)
  sealed = []
  await open()
  expect(await sealed[0]?.load()).toMatchObject({ tornBytes: all - 1 - kept })
})

const batch = fc.record({
  table: fc.constantFrom('spans', 'logs', 'sources'),
  rows: fc.nat(0xffffffff),
  bytes: fc.uint8Array({ maxLength: 200 }),
}) as fc.Arbitrary<RowBatch>
const requests = fc.array(fc.array(batch, { maxLength: 3 }), { minLength: 1, maxLength: 6 })

test('frames without a flipped bit are read, and the bytes of all other frames are reported', () => {
  const flips = fc.array(fc.nat(), { maxLength: 4 })
  fc.assert(
    fc.property(requests, flips, fc.string(), (frames, flippedBits, id) => {
      const encoded = frames.map((batches) => Buffer.concat(encodeFrame(batches, id).buffers))
      const file = Buffer.concat(encoded)
      for (const flipped of flippedBits) {
        const bit = flipped % (file.length * 8)
        file.writeUInt8(file.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      }
      const unchanged = findUnchanged(encoded, file)
      const read = decodeFrames(file, id)
      expect(plain(read.batches)).toEqual(plain(frames.filter((_, at) => unchanged.has(at)).flat()))
      const lost = encoded.filter((_, at) => !unchanged.has(at)).reduce((sum, frame) => sum + frame.length, 0)
      expect(read.unreadableBytes + read.tornBytes).toBe(lost)
    }),
    { numRuns: 500 },
  )
})

test('rows that contain an encoded frame are not read as a frame', () => {
  const inner = Buffer.concat(encodeFrame([{ table: 'spans', rows: 1, bytes: Buffer.from('forged') }], '').buffers)
  const outer = Buffer.concat(encodeFrame([{ table: 'spans', rows: 1, bytes: inner }], 'secret id').buffers)
  outer.writeUInt8(outer.readUInt8(8) ^ 1, 8)
  expect(decodeFrames(outer, 'secret id')).toEqual({ batches: [], tornBytes: 0, unreadableBytes: outer.length })
})

test('millions of false frame headers are skipped', () => {
  const file = Buffer.alloc(8_000_000, 'SLJ4')
  expect(decodeFrames(file, 'id')).toMatchObject({ batches: [], unreadableBytes: file.length })
})

test('a segment of garbage is unreadable, not torn, and foreign files are kept', async () => {
  await (await open()).close()
  await writeFile(join(dataDir, 'journal', 'x.segment'), 'no frame at all')
  await writeFile(join(dataDir, 'journal', 'README'), 'mine')
  sealed = []
  await open()
  expect(sealed).toHaveLength(1)
  expect(await sealed[0]?.load()).toEqual({ batches: [], tornBytes: 0, unreadableBytes: 15 })
  expect(await files()).toContain('README')
})

const AFTER_BOOT = Date.now() / 1000

test.each([
  { newest: 'was open', suffix: '', torn: true },
  { newest: 'has insert progress', suffix: '@spans', torn: false },
  { newest: 'is a split piece', suffix: '.0000', torn: false },
  { newest: 'was open, and the machine restarted', suffix: '', newestTime: 2, torn: false },
  { newest: 'was open, and the machine restarted, with fsync', suffix: '', newestTime: 2, fsync: true, torn: true },
])('a cut tail of the newest segment is torn only if it was open: it $newest', async (state) => {
  const { suffix, torn, newestTime = AFTER_BOOT, fsync = false } = state
  const journal = await open({ maxSegmentRows: 1 })
  await journal.append(rowsOf('older'))
  await journal.append(rowsOf('newer'))
  await journal.close()
  const names = (await files()).filter((name) => name.endsWith('.segment'))
  for (const [at, name] of names.entries()) {
    const path = join(dataDir, 'journal', name)
    await truncate(path, (await stat(path)).size - 1)
    const renamed =
      at === 1 ? path.replace('.segment', `${suffix}.segment`) : path.replace('.segment', '@spans.segment')
    await rename(path, renamed)
    // A newer time of the older segment doesn't matter.
    const time = at === 1 ? newestTime : AFTER_BOOT + 1
    await utimes(renamed, time, time)
  }
  sealed = []
  await open({ fsync })
  const [older, newer] = await Promise.all(sealed.map((segment) => segment.load()))
  expect(older?.tornBytes).toBe(0)
  expect(older?.unreadableBytes).toBeGreaterThan(0)
  expect((newer?.tornBytes ?? 0) > 0).toBe(torn)
  expect((newer?.unreadableBytes ?? 0) > 0).toBe(!torn)
})

test('a damaged segment is kept on release, and its unreadable bytes count after a restart', async () => {
  const journal = await open({ maxSegmentRows: 1 })
  await journal.append(rowsOf('a'))
  await until(() => sealed.length === 1)
  const [segment] = sealed as [SealedSegment]
  journal.countLost(segment, { batches: [], tornBytes: 0, unreadableBytes: 7 })
  await journal.release(segment)
  const kept = join(dataDir, 'journal', 'damaged')
  expect((await readdir(kept)).sort()).toEqual([`${segment.id}.json`, `${segment.id}.segment`])
  expect(journal.getDepth()).toMatchObject({ segments: 0, bytes: 0, unreadableBytes: 7 })
  await journal.close()
  const next = await open()
  expect(next.getDepth()).toMatchObject({ segments: 0, unreadableBytes: 7 })
  await next.close()
  await rm(kept, { recursive: true })
  const last = await open()
  expect(last.getDepth().unreadableBytes).toBe(0)
  await last.close()
})

test('a split interrupted by a crash leaves the original segment, and a finished one only its pieces', async () => {
  const journal = await open({ maxSegmentRows: 1 })
  await journal.append(rowsOf('a'))
  await until(() => sealed.length === 1)
  const segment = sealed[0] as SealedSegment
  const [name = ''] = await files()
  const original = await readFile(join(dataDir, 'journal', name))
  const { batches } = await segment.load()
  const pieces = await journal.split(segment, [batches, batches])
  expect(await files()).toEqual(pieces.map(({ id }) => `${id}.segment`))
  sealed = []
  await open()
  expect(await spansOf(sealed)).toEqual(['a', 'a'])
  await writeFile(join(dataDir, 'journal', name), original)
  sealed = []
  await open()
  expect(await spansOf(sealed)).toEqual(['a'])
  expect(await files()).toEqual([name])
})

test('a quarantined segment is counted, also after a restart, and is inserted again when retried', async () => {
  const journal = await open({ maxSegmentRows: 1 })
  await journal.append(rowsOf('a'))
  await until(() => sealed.length === 1)
  const { id, bytes } = sealed[0] as SealedSegment
  const { batches } = await (sealed[0] as SealedSegment).load()
  await journal.quarantine(sealed[0] as SealedSegment, batches, 'too odd')
  expect(journal.getDepth()).toMatchObject({ segments: 0, bytes: 0 })
  expect(journal.getQuarantineDepth()).toEqual({ segments: 1, bytes, lastError: 'too odd' })
  await journal.close()
  sealed = []
  const next = await open()
  expect(next.getQuarantineDepth()).toEqual({ segments: 1, bytes, lastError: 'too odd' })
  expect(await listQuarantined(dataDir)).toMatchObject([{ id, bytes, error: 'too odd' }])
  expect(sealed).toEqual([])
  expect(await retryQuarantined(dataDir)).toBe(1)
  await until(() => sealed.length === 1)
  expect(await spansOf(sealed)).toEqual(['a'])
  expect(sealed[0]?.id).toBe(id)
  expect(next.getQuarantineDepth()).toEqual({ segments: 0, bytes: 0, lastError: '' })
  await next.close()
})

test('appends beyond the backlog limit are rejected until a segment is released', async () => {
  const journal = await open({ maxBacklogBytes: 1000, maxSegmentRows: 1 })
  await journal.append(rowsOf('x'.repeat(600)))
  await expect(journal.append(rowsOf('y'.repeat(600)))).rejects.toThrow('Journal is full')
  await until(() => sealed.length === 1)
  await journal.release(sealed[0] as SealedSegment)
  await journal.append(rowsOf('z'.repeat(600)))
  await journal.close()
  expect(await spansOf(sealed.slice(1))).toEqual(['z'.repeat(600)])
})

test('a failed write is rejected and leaves nothing to replay', async () => {
  const journal = await open()
  await rm(join(dataDir, 'journal'), { recursive: true })
  await expect(journal.append(rowsOf('a'))).rejects.toMatchObject({ code: 'ENOENT' })
  expect(journal.getDepth()).toEqual({ segments: 0, bytes: 0, tornBytes: 0, unreadableBytes: 0 })
})

test('failed writes are logged as errors: the first at once, later ones as a count', async () => {
  const lines: [string | undefined, string][] = []
  const journal = await open({ log: (line, fields) => lines.push([fields?.level, line]) })
  await rm(join(dataDir, 'journal'), { recursive: true })
  for (let i = 0; i < 50; i++) await expect(journal.append(rowsOf('a'))).rejects.toMatchObject({ code: 'ENOENT' })
  expect(lines).toEqual([['error', expect.stringContaining("Journal can't be written, requests are rejected")]])
})

test('rows that are not kept in memory are read from the disk', async () => {
  const journal = await open({ maxMemoryBytes: 0, maxSegmentRows: 1, fsync: true })
  await journal.append(rowsOf('a'))
  await journal.close()
  expect(sealed[0]?.memoryBytes()).toBe(0)
  expect(await spansOf(sealed)).toEqual(['a'])
})

test('a closed journal rejects appends', async () => {
  const journal = await open()
  await journal.close()
  await expect(journal.append(rowsOf('a'))).rejects.toThrow('Journal is closed')
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

function rowsOf(text: string, receivedUnixSeconds = DAY): { receivedUnixSeconds: number; batches: RowBatch[] } {
  return { receivedUnixSeconds, batches: [{ table: 'spans', rows: 1, bytes: Buffer.from(text) }] }
}

async function spansOf(segments: readonly SealedSegment[]): Promise<string[]> {
  const loaded = await Promise.all(segments.map((segment) => segment.load()))
  return loaded.flatMap(({ batches }) => batches.map(textOf))
}

function plain(batches: readonly RowBatch[]): object[] {
  return batches.map((one) => ({ ...one, bytes: [...one.bytes] }))
}

/** Indexes of the frames that are unchanged in the file. Two flips of one bit cancel out. */
function findUnchanged(encoded: readonly Buffer[], file: Buffer): Set<number> {
  let at = 0
  return new Set(
    encoded.flatMap((frame, index) => {
      at += frame.length
      return file.subarray(at - frame.length, at).equals(frame) ? [index] : []
    }),
  )
}

function textOf(batch: RowBatch): string {
  return Buffer.from(batch.bytes).toString()
}

async function files(): Promise<string[]> {
  const entries = await readdir(join(dataDir, 'journal'), { withFileTypes: true })
  return entries.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).sort()
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}
