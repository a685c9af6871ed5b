import { quietly } from '../core/diagnostics.ts'
import type { KafkaJSCluster } from './cluster.ts'
import type { ClientWork } from './metrics.ts'
import { replaceMethod } from '../core/clients/override.ts'

/**
 * `work` that spends nothing on a send or a handler: the asynchronous context that tells whose a
 * socket is, is entered where kafkajs opens one and nowhere else. Where that place isn't found, it
 * is `work` itself, and all that a client does runs in that context.
 */
export function withOwnConnections(work: ClientWork, cluster: KafkaJSCluster): ClientWork {
  let isFound = false
  quietly('find where kafkajs opens connections', () => (isFound = ownConnections(cluster.itself(), work)))
  return isFound ? { metrics: work.metrics, own: (fn) => fn(), foreign: (fn) => fn() } : work
}

/** What kafkajs 2 makes a connection with: a pool for each broker, and two connections in it. */
interface PoolBuilder {
  build(...args: unknown[]): Promise<{ readonly pool?: readonly Connection[] }>
}

interface Connection {
  connect(): Promise<unknown>
}

function ownConnections(cluster: unknown, work: ClientWork): boolean {
  const { connectionPoolBuilder: builder } = (cluster ?? {}) as { readonly connectionPoolBuilder?: PoolBuilder }
  if (typeof builder?.build !== 'function') return false
  const build = builder.build.bind(builder)
  replaceMethod(builder, 'build', async (...args) => {
    const made = await build(...args)
    quietly('watch connections of kafkajs', () => {
      for (const connection of made.pool ?? []) {
        const connect = connection.connect.bind(connection)
        replaceMethod(connection, 'connect', () => work.own(connect))
      }
    })
    return made
  })
  return true
}
