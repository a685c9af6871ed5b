import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Directory of downloads shared by runs and clones: `$SPANLINK_CACHE`, else `~/.cache/spanlink`.
 */
export function cacheDir(): string {
  return process.env['SPANLINK_CACHE'] || join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'spanlink')
}

/**
 * Returns the cached directory `name`, created by `fill` if missing. It is renamed into place, so a
 * killed run leaves no partial directory; of two concurrent runs the first to finish wins.
 */
export async function cached(name: string, fill: (dir: string) => Promise<void>): Promise<string> {
  const target = join(cacheDir(), name)
  if (existsSync(target)) return target
  await mkdir(dirname(target), { recursive: true })
  const temporary = await mkdtemp(`${target}.partial-`)
  try {
    await fill(temporary)
    await rename(temporary, target).catch((error: unknown) => {
      if (!existsSync(target)) throw error
    })
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
  return target
}

/** Writes a line to stderr, because these steps can take a minute. */
export function progress(line: string): void {
  process.stderr.write(`spanlink: ${line}\n`)
}
