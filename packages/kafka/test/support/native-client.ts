import { createRequire } from 'node:module'

export interface NativeClient<T> {
  /** The client's module; throws on access when `isMissing`. */
  readonly client: T
  readonly isMissing: boolean
}

/**
 * A client with a native addon, which may be missing. Its tests are then skipped with a warning.
 */
export function nativeClient<T>(name: string): NativeClient<T> {
  try {
    return { client: createRequire(import.meta.url)(name) as T, isMissing: false }
  } catch (error) {
    const [reason] = String(error).split('\n')
    process.stderr.write(`SKIPPED: tests of ${name}, which does not load (${reason}): node scripts/provision.ts\n`)
    return { client: undefined as T, isMissing: true }
  }
}
