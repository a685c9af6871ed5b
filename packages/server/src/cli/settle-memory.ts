import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Collects the garbage of starting, once: compiling the modules and the schemas leaves V8 with 18 MiB (of 102) that it
 * would keep until there is load, and a server on a laptop is idle most of its life.
 */
export function settleMemory(): void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  if (typeof collect === 'function') setTimeout(() => collect(), 1000).unref()
}
