import { safely } from '../core/diagnostics.ts'
import type { KafkaJSCluster } from './cluster.ts'
import type { ClientScope } from './metrics.ts'
import { replaceMethod } from '../core/clients/override.ts'

/**
 * Narrows `work` to where kafkajs opens sockets, so that sends and handlers need no async context
 * switch. Returns `work` itself if that method is not found.
 */
export function scopeToConnections(work: ClientScope, cluster: KafkaJSCluster): ClientScope {
  let isFound = false
  safely('find where kafkajs opens connections', () => (isFound = interceptConnections(cluster.raw(), work)))
  return isFound ? { getMetrics: work.getMetrics, runAsClient: (fn) => fn(), runAsApplication: (fn) => fn() } : work
}

/** Creates the connections of kafkajs 2: a pool of two for each broker. */
interface PoolBuilder {
  build(...args: unknown[]): Promise<{ readonly pool?: readonly Connection[] }>
}

interface Connection {
  connect(): Promise<unknown>
}

function interceptConnections(cluster: unknown, work: ClientScope): boolean {
  const { connectionPoolBuilder: builder } = (cluster ?? {}) as { readonly connectionPoolBuilder?: PoolBuilder }
  if (typeof builder?.build !== 'function') return false
  const build = builder.build.bind(builder)
  replaceMethod(builder, 'build', async (...args) => {
    const made = await build(...args)
    safely('watch connections of kafkajs', () => {
      for (const connection of made.pool ?? []) {
        const connect = connection.connect.bind(connection)
        replaceMethod(connection, 'connect', () => work.runAsClient(connect))
      }
    })
    return made
  })
  return true
}
