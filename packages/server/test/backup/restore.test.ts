import { createWriteStream } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { type Header, pack } from 'tar-stream'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { BackupError, createManifest } from '../../src/clickhouse/engine/backup/manifest.ts'
import { restoreBackup } from '../../src/clickhouse/engine/backup/restore.ts'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { deleteTraces } from '../../src/query/deletes/delete-traces.ts'
import { nowNano, span } from '../query/order-spans.ts'
import { transcodeTraces } from '../signals/transcode.ts'
import { openTestDirectory, runSpanlink } from './setup.ts'

vi.setConfig({ testTimeout: 240_000 })

let directory: Awaited<ReturnType<typeof openTestDirectory>>
let backup: Buffer

beforeAll(async () => {
  directory = await openTestDirectory()
  await using server = await startSpanlink()
  await server.sendSpans(
    tracesOf(
      'shop',
      Array.from({ length: 100 }, () => span({ start: nowNano() })),
    ),
  )
  const file = join(directory.path, 'good.tar')
  await runSpanlink('backup', file, '--url', server.url)
  backup = await readFile(file)
})
afterAll(() => directory[Symbol.asyncDispose]())

/** Returns the message with which the file is refused, after a check that nothing is left. */
async function refuse(contents: Buffer): Promise<string> {
  const parent = join(directory.path, 'refused')
  await mkdir(parent, { recursive: true })
  const file = join(directory.path, 'bad.tar')
  await writeFile(file, contents)
  const error: unknown = await restoreBackup(file, join(parent, 'data'), () => () => {}).catch((reason) => reason)
  expect(error).toBeInstanceOf(BackupError)
  expect(await readdir(parent)).toEqual([])
  return (error as Error).message
}

async function archive(entries: readonly (readonly [Partial<Header> & { name: string }, string])[]): Promise<Buffer> {
  const tar = pack()
  for (const [header, text] of entries) tar.entry(header, text)
  tar.finalize()
  const file = join(directory.path, 'made.tar')
  await pipeline(tar as AsyncIterable<Buffer>, createWriteStream(file))
  return await readFile(file)
}

const NONE = { version: '1', schemaVersion: 1, parts: [], files: [] }

test('a truncated backup is refused, wherever it ends', async () => {
  const manifestAt = backup.indexOf('{"format":"spanlink-backup"')
  for (const end of [600, 5000, Math.floor(backup.length / 2), manifestAt - 512, manifestAt + 1000]) {
    expect(await refuse(backup.subarray(0, end))).toMatch(/truncated|not a backup/)
  }
})

test('a changed byte of any file is refused, and names the file', async () => {
  for (const part of [0.1, 0.3, 0.5, 0.7]) {
    const changed = Buffer.from(backup)
    // Into the contents of the entry: its header has a checksum of its own.
    const header = changed.lastIndexOf('tables/', Math.floor(changed.length * part))
    changed.writeUInt8(changed.readUInt8(header + 512) ^ 1, header + 512)
    expect(await refuse(changed)).toMatch(/damaged: the file tables\/|not a backup/)
  }
})

test.each([
  ['an empty file', Buffer.alloc(0), /not a backup/],
  ['a text', Buffer.from('hello\n'.repeat(1000)), /not a backup|truncated/],
  ['zeros', Buffer.alloc(102_400), /not a backup/],
])('%s is refused', async (_, contents, message) => {
  expect(await refuse(contents)).toMatch(message)
})

test.each([
  ['a path outside', { name: 'tables/spans/../../../etc/passwd' }],
  ['an absolute path', { name: '/tmp/evil' }],
  ['a hidden file', { name: 'journal/.evil' }],
  ['another table', { name: 'tables/evil/all_1_1_0/data.bin' }],
  ['a symbolic link', { name: 'journal/a.segment', type: 'symlink', linkname: '/etc/passwd' }],
  ['a hard link', { name: 'journal/a.segment', type: 'link', linkname: '/etc/passwd' }],
  ['a device', { name: 'journal/a.segment', type: 'character-device' }],
] as const)('an archive with %s is refused', async (_, header) => {
  const entry = [header, 'type' in header ? '' : 'evil'] as const
  const file = await archive([entry, [{ name: 'manifest.json' }, JSON.stringify(createManifest(NONE))]])
  expect(await refuse(file)).toMatch(/not a/)
})

test('files that the manifest lacks, names twice or with another size are refused', async () => {
  const file = { name: 'journal/a.segment', size: 1, sha256: '0'.repeat(64) }
  const of = (files: readonly object[], more: object = {}): Promise<Buffer> =>
    archive([
      [file, 'x'],
      [{ name: 'manifest.json' }, JSON.stringify({ ...createManifest(NONE), files, ...more })],
    ])
  expect(await refuse(await of([]))).toMatch(/other files/)
  expect(await refuse(await of([{ ...file, size: 2 }]))).toMatch(/differs/)
  expect(await refuse(await of([file, file]))).toMatch(/manifest is invalid/)
  expect(await refuse(await of([{ ...file, name: '../a' }]))).toMatch(/manifest is invalid/)
  expect(await refuse(await of([file], { formatVersion: 2 }))).toMatch(/A newer Spanlink \(1\)/)
  expect(await refuse(await of([file], { schemaVersion: 99 }))).toMatch(/A newer Spanlink \(1\)/)
  const parts = [{ table: 'users', name: 'a', rows: 1 }]
  expect(await refuse(await of([file], { parts }))).toMatch(/manifest is invalid/)
})

test('parts that the backup lacks are refused after ClickHouse loaded the others', async () => {
  const parts = [{ table: 'spans', name: '20261201_1_1_0', rows: 5 }]
  const manifest = JSON.stringify(createManifest({ ...NONE, parts }))
  expect(await refuse(await archive([[{ name: 'manifest.json' }, manifest]]))).toMatch(/can't load 1 of its parts/)
})

test('an insert that is repeated after a restore stores nothing twice, and deleted rows stay deleted', async () => {
  const [kept, deleted] = [span({ start: nowNano() }), span({ start: nowNano() })]
  const rows = transcodeTraces(encodeTraces(tracesOf('shop', [kept, deleted])), Math.floor(Date.now() / 1000))
  const insertRows = async (store: Store): Promise<void> => {
    await store.insert('trace_rows', [rows.spans], 'token')
    await store.insert('spans', [rows.spans], 'token')
  }
  const store = await openEmbeddedStore(join(directory.path, 'repeated'))
  await insertRows(store)
  await deleteTraces(store, [deleted.traceId], {})
  store.attachWriter?.({ flush: async () => {}, pause: (act) => act([]) })
  const file = join(directory.path, 'repeated.tar')
  await pipeline((await store.backup?.('1'))?.archive ?? [], createWriteStream(file))
  await store.close()

  const dataDir = join(directory.path, 'restored')
  await restoreBackup(file, dataDir, () => () => {})
  const restored = await openEmbeddedStore(dataDir)
  const ids = [{ id: kept.traceId }]
  for (const table of ['spans', 'trace_rows']) {
    expect(await restored.query(`select lower(hex(trace_id)) as id from ${table}`)).toEqual(ids)
    await insertRows(restored)
    expect(await restored.query(`select lower(hex(trace_id)) as id from ${table}`)).toEqual(ids)
  }
  await restored.close()
})

test('spanlink restore leaves a directory that is in use as it is, and prints one line', async () => {
  const used = join(directory.path, 'used')
  await mkdir(used)
  await writeFile(join(used, 'file'), 'mine')
  const good = join(directory.path, 'good.tar')
  const ended = await runSpanlink('restore', good, '--data', used)
  expect(ended).toMatchObject({ code: 1, stderr: `spanlink: Cannot restore ${good}: ${used} is not empty.\n` })
  expect(await readdir(used)).toEqual(['file'])
  expect(await runSpanlink('restore', good)).toMatchObject({ code: 2 })
  const missing = await runSpanlink('restore', join(directory.path, 'missing.tar'), '--data', join(directory.path, 'x'))
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('ENOENT') })
})

test('a server that required tokens requires them after a restore into an empty directory too', async () => {
  await using source = await startSpanlink()
  const created = await runSpanlink('token', 'create', '--role', 'admin', '--data', source.dataDir)
  const tokenFile = join(directory.path, 'token')
  await writeFile(tokenFile, created.stdout)
  const file = join(directory.path, 'guarded.tar')
  await vi.waitUntil(async () => (await fetch(`${source.url}/api/services`)).status === 401, { timeout: 10_000 })
  expect((await runSpanlink('backup', file, '--url', source.url)).stderr).toContain('requires a valid token')
  expect(await runSpanlink('backup', file, '--url', source.url, '--token-file', tokenFile)).toMatchObject({ code: 0 })
  // As an empty volume has it.
  const dataDir = join(directory.path, 'volume')
  await mkdir(join(dataDir, 'lost+found'), { recursive: true })
  const restored = await runSpanlink('restore', file, '--data', dataDir)
  expect([restored.code, restored.stderr]).toEqual([0, expect.stringContaining('spanlink token create')])
  const token = (await runSpanlink('token', 'create', '--role', 'read', '--data', dataDir)).stdout.trim()
  await using target = await startSpanlink({ dataDir, token })
  expect((await fetch(`${target.url}/api/traces`)).status).toBe(401)
  expect((await readdir(dataDir)).filter((name) => name.includes('restore'))).toEqual([])
})
