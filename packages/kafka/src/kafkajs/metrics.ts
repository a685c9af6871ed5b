import type { Consumer, Producer } from 'kafkajs'
import { safely } from '../core/diagnostics.ts'
import { createClientMetrics, type ClientMetrics } from '../metrics/client-metrics.ts'
import { getSocketWatcher } from '../metrics/sockets.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import type { GetSource } from '../core/clients/consumer-sources.ts'
import { parseBroker } from '../core/clients/broker-address.ts'
import { replaceMethod } from '../core/clients/override.ts'

/** Separates the sockets of the client from those of the application. */
export interface ClientScope {
  readonly getMetrics: () => ClientMetrics | undefined
  /** Runs `fn` and counts the connections that it opens. */
  runAsClient<R>(fn: () => R): R
  /** Runs an application handler, whose connections are not counted. */
  runAsApplication<R>(fn: () => R): R
}

const UNMEASURED: ClientScope = {
  getMetrics: () => undefined,
  runAsClient: (fn) => fn(),
  runAsApplication: (fn) => fn(),
}

export function measureProducer(producer: Producer, instrumentation: Instrumentation): ClientScope {
  return measureClient(producer, instrumentation, undefined, () => {})
}

export function measureConsumer(
  consumer: Consumer,
  instrumentation: Instrumentation,
  groupId: string | undefined,
  getSource: GetSource,
): ClientScope {
  return measureClient(consumer, instrumentation, groupId, (metrics) => listenToGroup(consumer, metrics, getSource))
}

/**
 * Listens from the first `connect` on, if there is a meter provider: kafkajs creates no events
 * without listeners.
 */
function measureClient(
  client: Producer | Consumer,
  instrumentation: Instrumentation,
  groupId: string | undefined,
  listen: (metrics: ClientMetrics) => void,
): ClientScope {
  const { connect } = client
  let metrics: ClientMetrics | undefined
  let work = UNMEASURED
  replaceMethod(client, 'connect', () => {
    safely('measure a kafkajs client', () => {
      metrics ??= createClientMetrics(instrumentation, groupId)
      if (metrics === undefined || work !== UNMEASURED) return
      const measured = metrics
      const sockets = getSocketWatcher()
      work = {
        getMetrics: () => measured,
        runAsClient: (fn) => sockets.runAsClient(measured, fn),
        runAsApplication: (fn) => sockets.runAsApplication(fn),
      }
      listenToNetwork(client as Producer, measured)
      listen(measured)
    })
    return work.runAsClient(connect)
  })
  return {
    getMetrics: () => work.getMetrics(),
    runAsClient: (fn) => work.runAsClient(fn),
    runAsApplication: (fn) => work.runAsApplication(fn),
  }
}

function listenToNetwork(client: Pick<Producer, 'events' | 'on'>, metrics: ClientMetrics): void {
  const { REQUEST, REQUEST_TIMEOUT, REQUEST_QUEUE_SIZE } = client.events
  client.on(REQUEST, ({ payload }) =>
    metrics.recordRequest(parseBroker(payload.broker), payload.apiName, {
      durationSeconds: payload.duration / 1000,
      waitSeconds: payload.pendingDuration / 1000,
    }),
  )
  client.on(REQUEST_TIMEOUT, ({ payload }) => metrics.countRequestTimeout(parseBroker(payload.broker), payload.apiName))
  client.on(REQUEST_QUEUE_SIZE, ({ payload }) =>
    metrics.setQueuedRequests(parseBroker(payload.broker), payload.queueSize),
  )
}

function listenToGroup(consumer: Consumer, metrics: ClientMetrics, getSource: GetSource): void {
  const { events } = consumer
  consumer.on(events.REBALANCING, () => metrics.countRebalance())
  consumer.on(events.GROUP_JOIN, ({ payload }) => {
    metrics.recordJoin(payload.duration / 1000)
    const { memberAssignment } = payload
    metrics.dropUnassigned(({ topic, partition }) => memberAssignment[topic ?? '']?.includes(partition ?? -1) ?? false)
  })
  consumer.on(events.STOP, () => metrics.dropUnassigned(() => false))
  consumer.on(events.CRASH, ({ payload }) => {
    metrics.countCrash(payload.error)
    metrics.dropUnassigned(() => false)
  })
  consumer.on(events.COMMIT_OFFSETS, () => metrics.countCommit())
  // The lag starts at the batch's first offset and ends at its last.
  consumer.on(events.START_BATCH_PROCESS, ({ payload }) => {
    const source = getSource(payload.topic, payload.partition)
    metrics.countBatch(source)
    metrics.setBuffered(source, payload.batchSize)
    metrics.setLag(source, calculateLag(payload.highWatermark, Number(payload.firstOffset) - 1))
  })
  consumer.on(events.END_BATCH_PROCESS, ({ payload }) => {
    const source = getSource(payload.topic, payload.partition)
    metrics.setBuffered(source, 0)
    metrics.setLag(source, calculateLag(payload.highWatermark, Number(payload.lastOffset)))
  })
}

// The high watermark is the offset of the next message to be written.
function calculateLag(highWatermark: string, processed: number): number {
  const lag = Number(highWatermark) - 1 - processed
  return Number.isFinite(lag) ? Math.max(0, lag) : 0
}
