import { EventEmitter } from 'node:events'
import { context } from '@opentelemetry/api'
import { quietly } from '../core/diagnostics.ts'
import { clientEvents } from '../events/events.ts'
import type { ClientEvents, TopicPartition } from '../events/events.ts'
import { laterClientMetrics, refreshBeforeCollection } from '../metrics/client-metrics.ts'
import type { ClientMetrics } from '../metrics/client-metrics.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import { partitionSources } from '../core/clients/consumer-sources.ts'
import { watchChannel, watchOperations } from './channels.ts'
import type { Unsubscribe } from './channels.ts'
import { watchConnections } from './connections.ts'
import { withErrorType } from './errors.ts'
import { watchFetches } from './fetch.ts'

/** A producer, consumer or admin; the fields below `clientId` are a consumer's. */
export interface PlatformaticClient extends EventEmitter {
  readonly instanceId?: number
  readonly clientId?: string
  readonly groupId?: string
  readonly memberId?: string | null
  readonly generationId?: number
  readonly assignments?: readonly Assignment[] | null
}

interface Assignment {
  readonly topic: string
  readonly partitions: readonly number[]
}

interface CreationEvent {
  readonly type: string
  readonly instance: object
}

interface GroupEvent {
  readonly client: PlatformaticClient
  readonly operation: string
}

interface CommitEvent {
  readonly client: PlatformaticClient
  readonly options: { readonly offsets?: readonly { readonly topic?: string }[] }
}

interface MessagesStream extends EventEmitter {
  readonly consumer: PlatformaticClient
  readonly readableLength: number
}

/** What is known of one client. */
export interface WatchedClient {
  readonly metrics: () => ClientMetrics | undefined
  readonly events: ClientEvents
  readonly sourceOf: ReturnType<typeof partitionSources>
}

/**
 * Metrics and events of clients, beside those of their operations: of clients that are made from
 * now on, and of others when they are used.
 */
export function watchClients(telemetry: KafkaTelemetry, clientId: string | undefined): Unsubscribe {
  const known = new WeakMap<object, WatchedClient>()
  const owners = new Map<number, ClientEvents>()
  let isWatching = true
  const on = (emitter: EventEmitter, name: string | symbol, listener: (...args: readonly unknown[]) => void): void => {
    emitter.on(name, (...args: readonly unknown[]) => {
      if (isWatching) quietly(`read ${String(name)}`, () => listener(...args))
    })
  }
  const watched = (client: PlatformaticClient): WatchedClient => {
    let found = known.get(client)
    if (found === undefined) {
      const { groupId } = client
      const identity = { clientId: clientId ?? client.clientId, groupId }
      const events = clientEvents(telemetry, identity)
      found = { metrics: laterClientMetrics(telemetry, groupId), events, sourceOf: partitionSources(identity) }
      known.set(client, found)
      listenToClient(client, found, on, owners)
    }
    return found
  }
  const subscriptions = [
    watchChannel<CreationEvent>('plt:kafka:instances', ({ type, instance }) => {
      if (CLIENTS.has(type)) watched(instance as PlatformaticClient)
      if (type === 'messages-stream') listenToStream(instance as MessagesStream, watched, on)
    }),
    watchConnections(laterClientMetrics(telemetry), (ownerId) =>
      ownerId === undefined ? undefined : owners.get(ownerId),
    ),
    watchOperations<GroupEvent>('consumer:group', ({ client, operation }) => {
      const { metrics } = watched(client)
      const started = performance.now()
      if (operation !== 'joinGroup') return undefined
      return { succeed: () => metrics()?.joined((performance.now() - started) / 1000), fail() {} }
    }),
    watchOperations<CommitEvent>('consumer:commits', ({ client, options }) => {
      const { metrics, events } = watched(client)
      const ambient = context.active()
      return {
        succeed: () => metrics()?.committed(),
        fail(error) {
          const typed = withErrorType(error)
          metrics()?.committed(typed ?? null)
          context.with(ambient, () => events.commitFailed(typed, topicOf(options.offsets)))
        },
      }
    }),
    watchFetches(watched),
  ]
  return () => {
    isWatching = false
    subscriptions.forEach((end) => end())
  }
}

const CLIENTS = new Set(['producer', 'consumer', 'admin'])

type On = (emitter: EventEmitter, name: string | symbol, listener: (...args: readonly unknown[]) => void) => void

function listenToClient(
  client: PlatformaticClient,
  { metrics, events }: WatchedClient,
  on: On,
  owners: Map<number, ClientEvents>,
): void {
  const { instanceId } = client
  if (instanceId !== undefined) {
    owners.set(instanceId, events)
    on(client, 'client:close', () => owners.delete(instanceId))
  }
  // Of which topics' messages an attempt was it doesn't tell.
  on(client, 'client:performWithRetry:retry', (operation) => {
    if (operation === 'produce') metrics()?.retried(undefined, 1)
  })
  if (client.groupId === undefined) return

  let assignments: unknown
  // The newer protocol's assignments come with heartbeats, the classic one's with joining.
  const readAssignments = (details?: unknown): void => {
    const { assignments: now, memberId, generationId: generation } = client
    if (now === assignments || !Array.isArray(now)) return
    assignments = now
    const partitions = partitionsOf(now)
    const { isLeader } = (details ?? {}) as { readonly isLeader?: boolean }
    events.assignedAll(partitions, { memberId, generation: generation || undefined, isLeader })
    metrics()?.assigned(({ topic, partition }) =>
      partitions.some((one) => one.topic === topic && (partition === undefined || one.partition === partition)),
    )
  }
  on(client, 'consumer:group:rebalance', () => {
    metrics()?.rebalancing()
    events.rebalancing({ memberId: client.memberId, generation: client.generationId || undefined })
  })
  on(client, 'consumer:group:join', readAssignments)
  on(client, 'consumer:heartbeat:end', () => readAssignments())
  on(client, 'consumer:group:leave', () => {
    assignments = undefined
    events.left()
    metrics()?.assigned(() => false)
  })
  // What only looks on, so that an error that nobody handles stays one. A consumer tells one when
  // it can't join its group again.
  on(client, EventEmitter.errorMonitor, (error) => crashed(metrics(), events, error))
}

function listenToStream(stream: MessagesStream, watched: (client: PlatformaticClient) => WatchedClient, on: On): void {
  // The stream is still being made.
  queueMicrotask(() => {
    quietly('watch a stream', () => {
      const { metrics, events } = watched(stream.consumer)
      const measured = metrics()
      const { groupId } = stream.consumer
      // Of which topics and partitions they are it doesn't tell; one source for each stream.
      const source = { groupId }
      const end = measured && refreshBeforeCollection(measured, () => measured.buffered(source, stream.readableLength))
      on(stream, EventEmitter.errorMonitor, (error) => crashed(metrics(), events, error))
      stream.once('close', () => {
        end?.()
        measured?.buffered(source, 0)
      })
    })
  })
}

function crashed(metrics: ClientMetrics | undefined, events: ClientEvents, error: unknown): void {
  const typed = withErrorType(error)
  metrics?.crashed(typed)
  events.crashed(typed, false)
}

function partitionsOf(assignments: readonly Assignment[]): TopicPartition[] {
  return assignments.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}

function topicOf(offsets: readonly { readonly topic?: string }[] | undefined): string | undefined {
  const [first, ...others] = offsets ?? []
  return others.every((one) => one.topic === first?.topic) ? first?.topic : undefined
}
