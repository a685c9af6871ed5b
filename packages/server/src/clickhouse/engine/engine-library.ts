import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { StoreError } from '../store-error.ts'

const packages: Readonly<Record<string, string>> = {
  'linux-x64': '@chdb/lib-linux-x64-gnu',
  'linux-arm64': '@chdb/lib-linux-arm64-gnu',
  'darwin-x64': '@chdb/lib-darwin-x64',
  'darwin-arm64': '@chdb/lib-darwin-arm64',
}

export type Platform = {
  readonly os: string
  readonly arch: string
  /** Linux with musl instead of glibc, such as Alpine. */
  readonly isMusl: boolean
}

const SUPPORTED = 'Linux (glibc) and macOS, x64 and arm64'
const OTHER_STORE = 'use a ClickHouse server: --store clickhouse://user:password@host:8123/database'

/**
 * Refuses Windows, where the data directory can't be locked, whichever store is used.
 *
 * @throws StoreError `engine-missing`
 */
export function checkPlatform({ os }: Platform = currentPlatform()): void {
  if (os !== 'win32') return
  throw new StoreError(
    'engine-missing',
    `Spanlink runs on ${SUPPORTED}, not on Windows. Run it in WSL 2 (wsl --install) or in a container (docker run spanlink/spanlink).`,
  )
}

/**
 * Returns the path of the ClickHouse library for this platform. npm installs the matching one of
 * four optional dependencies.
 *
 * @throws StoreError `engine-missing`
 */
export function findEngineLibrary({ os, arch, isMusl }: Platform = currentPlatform()): string {
  const name = packages[`${os}-${arch}`]
  if (name === undefined || isMusl) {
    throw new StoreError(
      'engine-missing',
      `The embedded ClickHouse runs on ${SUPPORTED}, not on ${os} ${arch}${isMusl ? ' with musl' : ''}. Run Spanlink in a container (docker run spanlink/spanlink), or ${OTHER_STORE}.`,
    )
  }
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'libchdb.so')
  } catch (cause) {
    throw new StoreError(
      'engine-missing',
      `The embedded ClickHouse is not installed: ${name} is missing. Install again without --omit=optional, or ${OTHER_STORE}.`,
      { cause },
    )
  }
}

function currentPlatform(): Platform {
  return { os: process.platform, arch: process.arch, isMusl: process.platform === 'linux' && !hasGlibc() }
}

function hasGlibc(): boolean {
  // `excludeNetwork`: the report would resolve the names of peers, for seconds without DNS.
  const report: NodeJS.ProcessReport & { excludeNetwork?: boolean } = process.report
  report.excludeNetwork = true
  const { header } = report.getReport() as { readonly header: { readonly glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime !== undefined
}
