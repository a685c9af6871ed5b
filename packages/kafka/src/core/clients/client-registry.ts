interface ClientRegistry {
  /** Clients, factories and prototypes that are traced. */
  readonly clients: WeakSet<object>
  /** The tracing of @platformatic/kafka: one per process. */
  platformatic?: object | undefined
}

const KEY = Symbol.for('@spanlink/kafka.traced')

/** Shared by all copies of this package in a process, so that no client is traced twice. */
export function getClientRegistry(): ClientRegistry {
  const shared = globalThis as { [KEY]?: ClientRegistry }
  return (shared[KEY] ??= { clients: new WeakSet() })
}
