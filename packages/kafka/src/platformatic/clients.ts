import { EventEmitter } from 'node:events'
import { context } from '@opentelemetry/api'
import { safely } from '../core/diagnostics.ts'
import { createClientEvents, type ClientEvents, type TopicPartition } from '../events/events.ts'
import { createClientMetricsGetter, type ClientMetrics } from '../metrics/client-metrics.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import { createPartitionSources } from '../core/clients/consumer-sources.ts'
import { getCommonTopic } from '../core/clients/settlement.ts'
import { watchChannel, watchOperations, type Unsubscribe } from './channels.ts'
import type { Assignment, PlatformaticClient, WatchedClient } from './types.ts'
import { watchConnections } from './connections.ts'
import { withErrorType } from './errors.ts'
import { watchFetches } from './fetch.ts'

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

/** Watches metrics and events of clients: new ones when created, others when used. */
export function watchClients(instrumentation: Instrumentation, clientId: string | undefined): Unsubscribe {
  const known = new WeakMap<object, WatchedClient>()
  const owners = new Map<number, ClientEvents>()
  let isWatching = true
  const on = (emitter: EventEmitter, name: string | symbol, listener: (...args: readonly unknown[]) => void): void => {
    emitter.on(name, (...args: readonly unknown[]) => {
      if (isWatching) safely(`read ${String(name)}`, () => listener(...args))
    })
  }
  const getWatchedClient = (client: PlatformaticClient): WatchedClient => {
    let found = known.get(client)
    if (found === undefined) {
      const { groupId } = client
      const identity = { clientId: clientId ?? client.clientId, groupId }
      const events = createClientEvents(instrumentation, identity)
      found = {
        getMetrics: createClientMetricsGetter(instrumentation, groupId),
        events,
        getSource: createPartitionSources(identity),
      }
      known.set(client, found)
      listenToClient(client, found, on, owners)
    }
    return found
  }
  const subscriptions = [
    watchChannel<CreationEvent>('plt:kafka:instances', ({ type, instance }) => {
      if (CLIENTS.has(type)) getWatchedClient(instance as PlatformaticClient)
      if (type === 'messages-stream') listenToStream(instance as MessagesStream, getWatchedClient, on)
    }),
    watchConnections(createClientMetricsGetter(instrumentation), (ownerId) =>
      ownerId === undefined ? undefined : owners.get(ownerId),
    ),
    watchOperations<GroupEvent>('consumer:group', ({ client, operation }) => {
      const { getMetrics } = getWatchedClient(client)
      const startedAt = performance.now()
      if (operation !== 'joinGroup') return undefined
      return { endSend: () => getMetrics()?.recordJoin((performance.now() - startedAt) / 1000), fail() {} }
    }),
    watchOperations<CommitEvent>('consumer:commits', ({ client, options }) => {
      const { getMetrics, events } = getWatchedClient(client)
      const ambient = context.active()
      return {
        endSend: () => getMetrics()?.countCommit(),
        fail(error) {
          const typed = withErrorType(error)
          getMetrics()?.countCommit(typed ?? null)
          context.with(ambient, () => events.emitCommitFailure(typed, getCommonTopic(options.offsets)))
        },
      }
    }),
    watchFetches(getWatchedClient),
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
  { getMetrics, events }: WatchedClient,
  on: On,
  owners: Map<number, ClientEvents>,
): void {
  const { instanceId } = client
  if (instanceId !== undefined) {
    owners.set(instanceId, events)
    on(client, 'client:close', () => owners.delete(instanceId))
  }
  // The event does not name the topics.
  on(client, 'client:performWithRetry:retry', (operation) => {
    if (operation === 'produce') getMetrics()?.countRetries(undefined, 1)
  })
  if (client.groupId === undefined) return

  let assignments: unknown
  // Assignments come with heartbeats in the newer protocol, with joins in the classic one.
  const readAssignments = (details?: unknown): void => {
    const { assignments: now, memberId, generationId: generation } = client
    if (now === assignments || !Array.isArray(now)) return
    assignments = now
    const partitions = toTopicPartitions(now)
    const { isLeader } = (details ?? {}) as { readonly isLeader?: boolean }
    events.replaceAssignment(partitions, { memberId, generation: generation || undefined, isLeader })
    getMetrics()?.dropUnassigned(({ topic, partition }) =>
      partitions.some((one) => one.topic === topic && (partition === undefined || one.partition === partition)),
    )
  }
  on(client, 'consumer:group:rebalance', () => {
    getMetrics()?.countRebalance()
    events.emitRebalance({ memberId: client.memberId, generation: client.generationId || undefined })
  })
  on(client, 'consumer:group:join', readAssignments)
  on(client, 'consumer:heartbeat:end', () => readAssignments())
  on(client, 'consumer:group:leave', () => {
    assignments = undefined
    events.clearAssignment()
    getMetrics()?.dropUnassigned(() => false)
  })
  // `errorMonitor` keeps unhandled errors unhandled. Consumers emit one when they cannot rejoin.
  on(client, EventEmitter.errorMonitor, (error) => emitCrash(getMetrics(), events, error))
}

function listenToStream(stream: MessagesStream, watched: (client: PlatformaticClient) => WatchedClient, on: On): void {
  // The stream's constructor has not finished.
  queueMicrotask(() => {
    safely('watch a stream', () => {
      const { getMetrics, events } = watched(stream.consumer)
      const measured = getMetrics()
      const { groupId } = stream.consumer
      // Streams do not report topics and partitions: one source for each stream.
      const source = { groupId }
      const end = measured && measured.beforeCollection(() => measured.setBuffered(source, stream.readableLength))
      on(stream, EventEmitter.errorMonitor, (error) => emitCrash(getMetrics(), events, error))
      stream.once('close', () => {
        end?.()
        measured?.setBuffered(source, 0)
      })
    })
  })
}

function emitCrash(metrics: ClientMetrics | undefined, events: ClientEvents, error: unknown): void {
  const typed = withErrorType(error)
  metrics?.countCrash(typed)
  events.emitCrash(typed, false)
}

function toTopicPartitions(assignments: readonly Assignment[]): TopicPartition[] {
  return assignments.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}
