import type { EventEmitter } from 'node:events'
import type { GetSource } from '../core/clients/consumer-sources.ts'
import type { ClientEvents } from '../events/events.ts'
import type { ClientMetrics } from '../metrics/client-metrics.ts'

/** A producer, consumer or admin; only consumers have the fields below `clientId`. */
export interface PlatformaticClient extends EventEmitter {
  readonly instanceId?: number
  readonly clientId?: string
  readonly groupId?: string
  readonly memberId?: string | null
  readonly generationId?: number
  readonly assignments?: readonly Assignment[] | null
}

export interface Assignment {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** Telemetry of one client. */
export interface WatchedClient {
  readonly getMetrics: () => ClientMetrics | undefined
  readonly events: ClientEvents
  readonly getSource: GetSource
}
