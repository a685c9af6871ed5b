import type { Socket } from 'node:net'
import type { ClientEvents } from '../events/events.ts'
import type { ClientMetrics } from '../metrics/client-metrics.ts'
import { watchSockets } from '../metrics/sockets.ts'
import type { Broker } from '../metrics/sockets.ts'
import { watchOperations } from './channels.ts'
import type { Unsubscribe } from './channels.ts'
import { requestName } from '../core/clients/request-names.ts'

interface Connection {
  /** The `instanceId` of the client it belongs to. */
  readonly ownerId?: number
  readonly status: string
  readonly host?: string
  readonly port?: number
  readonly socket?: Socket
}

interface ConnectEvent {
  readonly connection: Connection
  readonly host: string
  readonly port: number
}

interface RequestEvent {
  readonly connection: Connection
  readonly apiKey: number
}

/**
 * Metrics of all connections of all clients, and of their requests, from when they are written to
 * the socket; how long they waited for that, and which are given up for taking too long, the client
 * doesn't publish.
 * @param eventsOf the events of the client that owns a connection
 */
export function watchConnections(
  metrics: () => ClientMetrics | undefined,
  eventsOf: (ownerId: number | undefined) => ClientEvents | undefined,
): Unsubscribe {
  const subscriptions = [
    watchOperations<ConnectEvent>('connections:connects', ({ connection, host, port }) => {
      // Asked again while it is there, or on its way, a connection is not made anew.
      if (connection.status === 'connecting' || connection.status === 'connected') return undefined
      const measured = metrics()
      if (measured === undefined) return undefined
      const broker: Broker = { address: host, port }
      return {
        succeed() {
          if (connection.socket) watchSockets().follow(connection.socket, broker, measured)
        },
        fail: (error) => measured.failed(broker, causeOf(error)),
      }
    }),
    watchOperations<RequestEvent>('connections:api', ({ connection, apiKey }) => {
      const started = performance.now()
      const { host: address, port } = connection
      const answered = (response?: unknown): void => {
        const broker: Broker = { address, port }
        const name = requestName(apiKey)
        metrics()?.request(broker, name, { took: (performance.now() - started) / 1000 })
        const seconds = throttleTime(response) / 1000
        if (seconds > 0) eventsOf(connection.ownerId)?.throttled(broker, seconds, name)
      }
      return { succeed: answered, fail: () => answered() }
    }),
  ]
  return () => subscriptions.forEach((end) => end())
}

/** What the socket says; the client's own error is of every failed connection. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error
}

function throttleTime(response: unknown): number {
  const { throttleTimeMs } = (response ?? {}) as { readonly throttleTimeMs?: unknown }
  return typeof throttleTimeMs === 'number' ? throttleTimeMs : 0
}
