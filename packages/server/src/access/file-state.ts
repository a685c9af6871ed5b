import { statSync } from 'node:fs'

/**
 * Differs after each change of a file, of its owner or mode, and when a mounted secret is exchanged
 * by a symbolic link. Empty for a missing file; never throws.
 */
export function describeFile(file: string): string {
  try {
    const stat = statSync(file, { throwIfNoEntry: false, bigint: true })
    return stat === undefined ? '' : `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`
  } catch (error) {
    return `unreadable: ${String((error as NodeJS.ErrnoException).code)}`
  }
}
