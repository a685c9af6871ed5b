import { join } from 'node:path'
import { cacheDir } from './cache.ts'

/**
 * Vitest `globalSetup`: all processes of a run share V8's compile cache. A Spanlink server then
 * starts with 1.3 s of CPU time instead of 2.0 s, a command with 0.12 s instead of 0.31 s.
 */
export default function setup(): void {
  process.env['NODE_COMPILE_CACHE'] ??= join(cacheDir(), 'compile')
}
