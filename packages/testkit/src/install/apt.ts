import { existsSync } from 'node:fs'
import { progress } from './cache.ts'
import { command } from '../process/command.ts'

/**
 * Installs Debian packages if apt-get exists and we are root, as in a container or CI job.
 * Otherwise returns the reason; a developer's machine is never changed.
 */
export async function aptInstall(packages: readonly string[], size: string): Promise<string | undefined> {
  const line = `apt-get install ${packages.join(' ')}`
  if (!existsSync('/usr/bin/apt-get')) return 'no apt-get here'
  if (process.getuid?.() !== 0) return `needs root: sudo ${line}`
  progress(`${line} (about ${size}, once)`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = ['install', '-y', '-q', '--no-install-recommends', ...packages]
  let result = await command('/usr/bin/apt-get', install, { env })
  if (result.code !== 0) {
    // Container images have no package lists.
    await command('/usr/bin/apt-get', ['update', '-q'], { env })
    result = await command('/usr/bin/apt-get', install, { env })
  }
  return result.code === 0 ? undefined : `${line}: ${result.stderr.trim().split('\n').at(-1)}`
}
