// Every package of the registry has an integrity in the lockfile: without one npm installs whatever
// the registry gives.
import { readFileSync } from 'node:fs'

type Entry = { readonly version?: string; readonly link?: boolean; readonly integrity?: string }

/**
 * ClickHouse for other platforms than the one the lockfile was written on, whose registry serves
 * none of these. Another version of them needs its integrity: `npm view
 * @chdb/lib-darwin-arm64@VERSION dist.integrity`.
 */
const UNKNOWN: ReadonlyMap<string, string> = new Map([
  ['node_modules/@chdb/lib-darwin-arm64', '26.7.3-stable.1'],
  ['node_modules/@chdb/lib-darwin-x64', '26.7.3-stable.1'],
  ['node_modules/@chdb/lib-linux-arm64-gnu', '26.7.3-stable.1'],
])

const lockfile = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
  readonly packages: Readonly<Record<string, Entry>>
}
const installed = Object.entries(lockfile.packages).filter(
  ([path, { link }]) => path.includes('node_modules/') && link !== true,
)
const isExempt = (path: string, version: string | undefined): boolean =>
  version !== undefined && UNKNOWN.get(path) === version
const missing = installed.filter(([path, { version, integrity }]) => !integrity && !isExempt(path, version))
const known = installed.filter(([path, { integrity }]) => integrity && UNKNOWN.has(path))
for (const [path, { version }] of missing)
  process.stdout.write(`${path} ${version} has no integrity in package-lock.json\n`)
for (const [path] of known)
  process.stdout.write(`${path} has an integrity now: remove it from scripts/check-lockfile.ts\n`)
if (missing.length + known.length > 0) process.exit(1)
