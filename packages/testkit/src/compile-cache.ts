import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Vitest's `globalSetup`: the processes of a run, workers and those that tests start, share what V8
 * compiled and what Node stripped of types. A Spanlink server starts with 2.1 s of processor time
 * instead of 2.8 s.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'spanlink-compiled-'))
  process.env['NODE_COMPILE_CACHE'] = directory
  // A process that is just ending may still write into it.
  return async () => await rm(directory, { recursive: true, force: true, maxRetries: 10 }).catch(() => {})
}
