import type { Socket } from 'node:net'
import type { ClientEvents } from '../events/events.ts'
import type { ClientMetrics } from '../metrics/client-metrics.ts'
import { getSocketWatcher } from '../metrics/sockets.ts'
import type { ServerAddress } from '../core/source.ts'
import { watchOperations, type Unsubscribe } from './channels.ts'
import { getRequestName } from '../core/clients/request-names.ts'

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
 * Records connections of all clients, and requests from the write to the socket. The client does
 * not publish how long requests wait, nor which time out.
 * @param getEvents returns the events of the client that owns a connection
 */
export function watchConnections(
  metrics: () => ClientMetrics | undefined,
  getEvents: (ownerId: number | undefined) => ClientEvents | undefined,
): Unsubscribe {
  const subscriptions = [
    watchOperations<ConnectEvent>('connections:connects', ({ connection, host, port }) => {
      // An open or opening connection is not opened again.
      if (connection.status === 'connecting' || connection.status === 'connected') return undefined
      const measured = metrics()
      if (measured === undefined) return undefined
      const broker: ServerAddress = { address: host, port }
      return {
        endSend() {
          if (connection.socket) getSocketWatcher().watch(connection.socket, broker, measured)
        },
        fail: (error) => measured.onConnectFailure(broker, getCause(error)),
      }
    }),
    watchOperations<RequestEvent>('connections:api', ({ connection, apiKey }) => {
      const startedAt = performance.now()
      const { host: address, port } = connection
      const recordResponse = (response?: unknown): void => {
        const broker: ServerAddress = { address, port }
        const name = getRequestName(apiKey)
        metrics()?.recordRequest(broker, name, { durationSeconds: (performance.now() - startedAt) / 1000 })
        const seconds = getThrottleMs(response) / 1000
        if (seconds > 0) getEvents(connection.ownerId)?.emitThrottle(broker, seconds, name)
      }
      return { endSend: recordResponse, fail: () => recordResponse() }
    }),
  ]
  return () => subscriptions.forEach((end) => end())
}

/** Returns the socket's error; the client wraps it in a generic one. */
function getCause(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error
}

function getThrottleMs(response: unknown): number {
  const { throttleTimeMs } = (response ?? {}) as { readonly throttleTimeMs?: unknown }
  return typeof throttleTimeMs === 'number' ? throttleTimeMs : 0
}
