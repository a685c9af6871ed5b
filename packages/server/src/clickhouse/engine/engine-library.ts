import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { StoreError } from '../store-error.ts'

const packages: Readonly<Record<string, string>> = {
  'linux-x64': '@chdb/lib-linux-x64-gnu',
  'linux-arm64': '@chdb/lib-linux-arm64-gnu',
  'darwin-x64': '@chdb/lib-darwin-x64',
  'darwin-arm64': '@chdb/lib-darwin-arm64',
}

/**
 * Returns the path of the ClickHouse library for this platform. npm installs the matching one of
 * four optional dependencies.
 */
export function findEngineLibrary(platform: string = process.platform, arch: string = process.arch): string {
  const name = packages[`${platform}-${arch}`]
  const alternative = 'Use a ClickHouse server instead: --store clickhouse://user:password@host:8123/database.'
  if (name === undefined) {
    throw new StoreError(
      'engine-missing',
      `The embedded engine runs on Linux (glibc) and macOS, x64 and arm64, not on ${platform} ${arch}. ${alternative}`,
    )
  }
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'libchdb.so')
  } catch (cause) {
    throw new StoreError(
      'engine-missing',
      `The embedded engine is not installed: ${name} is missing. Install again without --omit=optional (Linux needs glibc). ${alternative}`,
      { cause },
    )
  }
}
