import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { StoreError } from '../../clickhouse/store-error.ts'
import { UsageError } from '../args.ts'

/** Marks a directory that has samples: they never mix with data of real systems. */
const MARKER = 'demo'

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
    const directory = await mkdtemp(join(tmpdir(), 'spanlink-demo-'))
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
