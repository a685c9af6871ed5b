// Every package of the registry has an integrity in the lockfile: without one npm installs whatever
// the registry gives.
// node scripts/check-lockfile.ts [--strict | --complete]
// --strict allows no exception; release.yml uses it. --complete asks the registry for what lacks.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'

type Entry = { readonly version?: string; readonly link?: boolean; integrity?: string }

/**
 * ClickHouse for other platforms than the one the lockfile was written on, whose registry serves
 * none of these: `--complete` adds them where the registry does.
 */
const UNKNOWN: ReadonlyMap<string, string> = new Map([
  ['node_modules/@chdb/lib-darwin-arm64', '26.7.3-stable.1'],
  ['node_modules/@chdb/lib-darwin-x64', '26.7.3-stable.1'],
  ['node_modules/@chdb/lib-linux-arm64-gnu', '26.7.3-stable.1'],
])

const isStrict = process.argv.includes('--strict')
const file = new URL('../package-lock.json', import.meta.url)
const lockfile = JSON.parse(readFileSync(file, 'utf8')) as { readonly packages: Readonly<Record<string, Entry>> }
const installed = Object.entries(lockfile.packages).filter(
  ([path, { link }]) => path.includes('node_modules/') && link !== true,
)
if (process.argv.includes('--complete')) completeLockfile()

const isExempt = (path: string, version: string | undefined): boolean =>
  !isStrict && version !== undefined && UNKNOWN.get(path) === version
const missing = installed.filter(([path, { version, integrity }]) => !integrity && !isExempt(path, version))
const known = installed.filter(([path, { integrity }]) => integrity && UNKNOWN.has(path))
for (const [path, { version }] of missing)
  process.stdout.write(
    `${path} ${version} has no integrity in package-lock.json: node scripts/check-lockfile.ts --complete\n`,
  )
for (const [path] of known)
  process.stdout.write(`${path} has an integrity now: remove it from scripts/check-lockfile.ts\n`)
if (missing.length + known.length > 0) process.exit(1)

function completeLockfile(): void {
  for (const [path, entry] of installed.filter(([, { integrity }]) => !integrity)) {
    const name = `${path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)}@${entry.version}`
    const integrity = readIntegrity(name)
    if (integrity === undefined) process.stdout.write(`${name}: the registry has no such version\n`)
    else entry.integrity = integrity
  }
  writeFileSync(file, `${JSON.stringify(lockfile, null, 2)}\n`)
}

function readIntegrity(name: string): string | undefined {
  try {
    return (
      execFileSync('npm', ['view', name, 'dist.integrity'], { encoding: 'utf8', stdio: 'pipe' }).trim() || undefined
    )
  } catch {
    return undefined
  }
}
