import { safely } from '../core/diagnostics.ts'
import type { KafkaJSCluster } from './cluster.ts'
import type { ClientScope } from './metrics.ts'
import { replaceMethod } from '../core/clients/override.ts'

/**
 * `work` that spends nothing on a send or a handler: the asynchronous context that tells whose a
 * socket is, is entered where kafkajs opens one and nowhere else. Where that place isn't found, it
 * is `work` itself, and all that a client does runs in that context.
 */
export function scopeToConnections(work: ClientScope, cluster: KafkaJSCluster): ClientScope {
  let isFound = false
  safely('find where kafkajs opens connections', () => (isFound = interceptConnections(cluster.raw(), work)))
  return isFound ? { getMetrics: work.getMetrics, runAsClient: (fn) => fn(), runAsApplication: (fn) => fn() } : work
}

/** What kafkajs 2 makes a connection with: a pool for each broker, and two connections in it. */
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
