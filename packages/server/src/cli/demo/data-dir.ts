import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { StoreError } from '../../clickhouse/store-error.ts'
import { UsageError } from '../args.ts'

/** Marks a directory that has samples: they never mix with data of real systems. */
const MARKER = 'demo'

const TEMPORARY_PREFIX = 'spanlink-demo-'

/**
 * The directory of `--data`, or a temporary one that is removed when the process ends.
 *
 * @throws UsageError if the directory has other data; StoreError if none can be made
 */
export async function chooseDataDir(given: string | undefined): Promise<string> {
  if (given !== undefined) {
    if (hasOtherData(given)) {
      throw new UsageError(
        `--data ${given} has data that no demo made. Choose a new directory: samples do not mix with real data`,
      )
    }
    return given
  }
  try {
    removeAbandoned(tmpdir())
    const directory = await mkdtemp(join(tmpdir(), TEMPORARY_PREFIX))
    process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }))
    return directory
  } catch (cause) {
    throw new StoreError(
      'data-dir-unusable',
      `Cannot make a directory in ${tmpdir()}: ${(cause as Error).message}. Choose one with --data.`,
      { cause },
    )
  }
}

export function markDataDir(directory: string): void {
  writeFileSync(join(directory, MARKER), 'Samples of spanlink demo. The directory can be removed.\n')
}

function hasOtherData(directory: string): boolean {
  if (existsSync(join(directory, MARKER))) return false
  try {
    return readdirSync(directory).length > 0
  } catch {
    // Missing, or not a directory: the server reports it.
    return false
  }
}

/** Removes directories of demos that were killed: 150 MB each. */
function removeAbandoned(parent: string): void {
  for (const name of readdirSync(parent)) {
    const directory = join(parent, name)
    if (!name.startsWith(TEMPORARY_PREFIX) || !existsSync(join(directory, MARKER)) || isInUse(directory)) continue
    try {
      rmSync(directory, { recursive: true, force: true })
    } catch {
      // Another user's.
    }
  }
}

/** The server writes its process id into the lock file. */
function isInUse(directory: string): boolean {
  try {
    process.kill(Number(readFileSync(join(directory, 'lock'), 'utf8')), 0)
    return true
  } catch (error) {
    // Any other error, such as EPERM, is that of a process that exists.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
