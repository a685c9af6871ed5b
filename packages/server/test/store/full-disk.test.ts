import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BareEngine, startEngineWithTables } from './bare-engine.ts'

let dir: string
let engine: BareEngine | undefined
let isMounted = false

/** A small file system needs the right to mount one. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-full-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200m', 'tmpfs', dir], { stdio: 'ignore' })
    isMounted = true
  } catch {
    return
  }
  engine = await startEngineWithTables(join(dir, 'data'))
}, 60_000)

afterAll(async () => {
  await engine?.stop()
  if (isMounted) execFileSync('umount', ['-l', dir])
  await rm(dir, { recursive: true, force: true })
})

test('on a full disk a query returns all its rows or fails as unavailable, never fewer rows', async ({ skip }) => {
  if (engine === undefined) return skip('no right to mount a tmpfs')
  const { client } = engine
  const filler = join(dir, 'filler')
  fill(filler)
  const select = (rows: number): Promise<unknown[]> =>
    client.query(`select number, toString(number) from numbers(${rows})`)
  expect(await select(3)).toHaveLength(3)
  expect(await select(10_000)).toHaveLength(10_000)
  await expect(select(1_000_000)).rejects.toMatchObject({ code: 'unavailable' })
  rmSync(filler)
  expect(await select(1_000_000)).toHaveLength(1_000_000)
})

function fill(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (;;) writeSync(file, Buffer.alloc(65_536))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    closeSync(file)
  }
}
