import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Where fetched things are kept between runs and clones: `$SPANLINK_CACHE`, else
 * `~/.cache/spanlink`.
 */
export function cacheDir(): string {
  return process.env['SPANLINK_CACHE'] || join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'spanlink')
}

/**
 * Gives the cached directory `name`, filled by `fill` when it is not there yet. It appears in one
 * rename, so a run that is killed leaves nothing half made, and of two runs at once the first to
 * finish wins.
 */
export async function cached(name: string, fill: (dir: string) => Promise<void>): Promise<string> {
  const target = join(cacheDir(), name)
  if (await isDirectory(target)) return target
  await mkdir(dirname(target), { recursive: true })
  const temporary = await mkdtemp(`${target}.partial-`)
  try {
    await fill(temporary)
    await rename(temporary, target).catch(async (error: unknown) => {
      if (!(await isDirectory(target))) throw error
    })
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
  return target
}

/** One line on stderr: these steps can take a minute, and silence looks like a hang. */
export function progress(line: string): void {
  process.stderr.write(`spanlink: ${line}\n`)
}

async function isDirectory(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
