import type { PlatformaticTracing } from '../../platformatic/index.ts'

// One registry for all copies of this package in a process (two versions, a bundled one beside
// another): no client is traced twice.
interface Registry {
  readonly clients: WeakSet<object>
  platformatic?: PlatformaticTracing | undefined
}

const KEY = Symbol.for('@spanlink/kafka.traced')

export function tracedClients(): Registry {
  const shared = globalThis as { [KEY]?: Registry }
  return (shared[KEY] ??= { clients: new WeakSet() })
}
