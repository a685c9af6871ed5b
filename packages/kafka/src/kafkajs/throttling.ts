import type { ServerAddress } from '../core/source.ts'
import { replaceMethod } from '../core/clients/override.ts'

/** Observes connections that were opened since the last call. */
export type WatchConnections = () => void

/**
 * Reports throttling, for which kafkajs has no event: observes the request queue of each
 * connection, which receives the throttle times.
 * @param cluster kafkajs's internal object, once it is created
 */
export function watchThrottling(
  cluster: () => unknown,
  onThrottled: (broker: ServerAddress, seconds: number) => void,
): WatchConnections {
  const watched = new WeakSet<RequestQueue>()
  return () => {
    for (const { host, port, queues } of listConnectionPools(cluster())) {
      for (const queue of queues) {
        if (watched.has(queue)) continue
        watched.add(queue)
        const { maybeThrottle } = queue
        replaceMethod(queue, 'maybeThrottle', (milliseconds) => {
          if (typeof milliseconds === 'number' && milliseconds > 0) {
            onThrottled({ address: host, port }, milliseconds / 1000)
          }
          return maybeThrottle.call(queue, milliseconds)
        })
      }
    }
  }
}

interface RequestQueue {
  maybeThrottle(milliseconds: unknown): unknown
}

interface ConnectionPool {
  readonly host: string
  readonly port: number
  readonly queues: readonly RequestQueue[]
}

function listConnectionPools(cluster: unknown): readonly ConnectionPool[] {
  const { brokerPool } = (cluster ?? {}) as {
    readonly brokerPool?: { readonly brokers?: unknown; readonly seedBroker?: unknown }
  }
  return [...Object.values(brokerPool?.brokers ?? {}), brokerPool?.seedBroker].flatMap((broker) => {
    const { connectionPool } = (broker ?? {}) as { readonly connectionPool?: Record<string, unknown> }
    const { host, port, pool } = connectionPool ?? {}
    if (typeof host !== 'string' || typeof port !== 'number' || !Array.isArray(pool)) return []
    const queues = pool.map((connection: { readonly requestQueue?: unknown }) => connection?.requestQueue)
    return [{ host, port, queues: queues.filter(isRequestQueue) }]
  })
}

function isRequestQueue(value: unknown): value is RequestQueue {
  return typeof (value as Partial<RequestQueue> | undefined)?.maybeThrottle === 'function'
}
