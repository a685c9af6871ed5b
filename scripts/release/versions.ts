// The version of a release stands in these files.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

type VersionLine = { readonly file: string; readonly pattern: RegExp }

/** The first group of each pattern is what precedes the version, the second one the version. */
const VERSION_LINES: readonly VersionLine[] = [
  { file: 'packages/kafka/package.json', pattern: /^( {2}"version": ")([^"]+)/m },
  { file: 'packages/server/package.json', pattern: /^( {2}"version": ")([^"]+)/m },
  { file: 'packages/kafka/src/core/version.ts', pattern: /^(export const VERSION = ')([^']+)/m },
  { file: 'deploy/helm/spanlink/Chart.yaml', pattern: /^(version: )(\S+)/m },
  { file: 'deploy/helm/spanlink/Chart.yaml', pattern: /^(appVersion: ['"])([^'"]+)/m },
]

/** A version as packages, image, chart and tag have it: `1.2.3` or `1.2.3-rc.1`. */
export const VERSION_PATTERN = /^\d+\.\d+\.\d+(-[0-9a-z.-]+)?$/

/** @throws if the files name different versions, with each of them */
export function readVersion(): string {
  const found = VERSION_LINES.map((line) => ({ ...line, version: findVersion(line) }))
  const [{ version } = { version: '' }] = found
  if (found.some((other) => other.version !== version)) {
    throw new Error(`versions differ:\n${found.map((line) => `  ${line.version}  ${line.file}`).join('\n')}`)
  }
  return version
}

export function writeVersion(version: string): void {
  for (const line of VERSION_LINES) {
    findVersion(line)
    const path = ROOT + line.file
    writeFileSync(path, readFileSync(path, 'utf8').replace(line.pattern, `$1${version}`))
  }
}

function findVersion({ file, pattern }: VersionLine): string {
  const version = pattern.exec(readFileSync(ROOT + file, 'utf8'))?.[2]
  if (version === undefined) throw new Error(`${file} has no version: expected ${pattern}`)
  return version
}
