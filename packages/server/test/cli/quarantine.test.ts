import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { quarantineCommand } from '../../src/cli/commands/admin/quarantine.ts'

let dataDir: string
let lines: string[]
const out = { line: (text: string) => void lines.push(text), note: () => {} }

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'spanlink-quarantine-'))
  lines = []
})
afterEach(() => rm(dataDir, { recursive: true }))

async function putSegment(id: string, error: string): Promise<void> {
  const directory = join(dataDir, 'journal', 'quarantine')
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, `${id}.segment`), 'rows')
  await writeFile(join(directory, `${id}.json`), JSON.stringify({ error, time: '2026-11-29T20:00:00.000Z' }))
}

test('spanlink quarantine lists segments with their error and retries one or all', async () => {
  await putSegment('a', 'cannot read it')
  await putSegment('b', 'too large')
  expect(await quarantineCommand.run(['list', '--data', dataDir], out)).toBe(0)
  expect(lines).toEqual([
    'a  4 bytes  2026-11-29T20:00:00.000Z  cannot read it',
    'b  4 bytes  2026-11-29T20:00:00.000Z  too large',
  ])
  expect(await quarantineCommand.run(['retry', 'b', '--data', dataDir], out)).toBe(0)
  expect(await readdir(join(dataDir, 'journal', 'quarantine', 'retry'))).toEqual(['b.segment'])
  expect(await quarantineCommand.run(['retry', '--data', dataDir], out)).toBe(0)
  expect(await readdir(join(dataDir, 'journal', 'quarantine'))).toEqual(['retry'])
  await quarantineCommand.run(['list', '--data', dataDir], out)
  expect(lines.slice(2)).toEqual([
    '1 segment will be inserted again.',
    '1 segment will be inserted again.',
    'The quarantine is empty.',
  ])
})

test('spanlink quarantine rejects an unknown segment ID, a directory without a journal and an unknown action', async () => {
  await expect(quarantineCommand.run(['list', '--data', dataDir], out)).rejects.toMatchObject({ exitCode: 3 })
  await putSegment('a', 'cannot read it')
  await expect(quarantineCommand.run(['retry', '../a', '--data', dataDir], out)).rejects.toMatchObject({ exitCode: 3 })
  await expect(quarantineCommand.run(['delete', '--data', dataDir], out)).rejects.toThrow('list or retry')
  await expect(quarantineCommand.run([], out)).rejects.toThrow('missing action: expected list or retry')
  await expect(quarantineCommand.run(['list', 'a', '--data', dataDir], out)).rejects.toThrow('takes no segment IDs')
})
