import type {
  Consumer,
  ConsumerEvents,
  Producer,
  RequestEvent,
  RequestQueueSizeEvent,
  RequestTimeoutEvent,
} from 'kafkajs'
import { quietly } from '../core/diagnostics.ts'
import { clientMetrics } from '../metrics/client-metrics.ts'
import type { ClientMetrics } from '../metrics/client-metrics.ts'
import { watchSockets } from '../metrics/sockets.ts'
import type { Broker } from '../metrics/sockets.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import type { SourceOf } from '../core/clients/consumer-sources.ts'
import { replaceMethod } from '../core/clients/override.ts'

/**
 * What an adapter needs to run kafkajs's own work, and the application's, on the right side of the
 * metrics.
 */
export interface ClientWork {
  readonly metrics: () => ClientMetrics | undefined
  /** Runs work of the client: connections that it opens are counted. */
  own<R>(fn: () => R): R
  /** Runs work of the application inside the client's. */
  foreign<R>(fn: () => R): R
}

const UNMEASURED: ClientWork = { metrics: () => undefined, own: (fn) => fn(), foreign: (fn) => fn() }

/**
 * Listens to a client from its first `connect` on, if there is a meter provider by then: kafkajs
 * builds no events when nobody listens, so without one nothing is spent.
 */
export function measureProducer(producer: Producer, telemetry: KafkaTelemetry): ClientWork {
  return measure(producer, telemetry, undefined, (metrics) => {
    const { REQUEST, REQUEST_TIMEOUT, REQUEST_QUEUE_SIZE } = producer.events
    const { request, timeout, queue } = networkListeners(metrics)
    producer.on(REQUEST, request)
    producer.on(REQUEST_TIMEOUT, timeout)
    producer.on(REQUEST_QUEUE_SIZE, queue)
  })
}

export function measureConsumer(
  consumer: Consumer,
  telemetry: KafkaTelemetry,
  groupId: string | undefined,
  sourceOf: SourceOf,
): ClientWork {
  return measure(consumer, telemetry, groupId, (metrics) => {
    const { events } = consumer
    const { request, timeout, queue } = networkListeners(metrics)
    consumer.on(events.REQUEST, request)
    consumer.on(events.REQUEST_TIMEOUT, timeout)
    consumer.on(events.REQUEST_QUEUE_SIZE, queue)
    listenToGroup(consumer, events, metrics, sourceOf)
  })
}

function measure(
  client: Producer | Consumer,
  telemetry: KafkaTelemetry,
  groupId: string | undefined,
  listen: (metrics: ClientMetrics) => void,
): ClientWork {
  const { connect } = client
  let metrics: ClientMetrics | undefined
  let work = UNMEASURED
  replaceMethod(client, 'connect', () => {
    quietly('measure a kafkajs client', () => {
      metrics ??= clientMetrics(telemetry, groupId)
      if (metrics === undefined || work !== UNMEASURED) return
      const measured = metrics
      const sockets = watchSockets()
      work = {
        metrics: () => measured,
        own: (fn) => sockets.within(measured, fn),
        foreign: (fn) => sockets.outside(fn),
      }
      listen(measured)
    })
    return work.own(connect)
  })
  return {
    metrics: () => work.metrics(),
    own: (fn) => work.own(fn),
    foreign: (fn) => work.foreign(fn),
  }
}

function networkListeners(metrics: ClientMetrics) {
  return {
    request: ({ payload }: RequestEvent) =>
      metrics.request(brokerOf(payload.broker), payload.apiName, {
        took: payload.duration / 1000,
        waited: payload.pendingDuration / 1000,
      }),
    timeout: ({ payload }: RequestTimeoutEvent) => metrics.requestTimedOut(brokerOf(payload.broker), payload.apiName),
    queue: ({ payload }: RequestQueueSizeEvent) => metrics.queuedRequests(brokerOf(payload.broker), payload.queueSize),
  }
}

function listenToGroup(consumer: Consumer, events: ConsumerEvents, metrics: ClientMetrics, sourceOf: SourceOf): void {
  consumer.on(events.REBALANCING, () => metrics.rebalancing())
  consumer.on(events.GROUP_JOIN, ({ payload }) => {
    metrics.joined(payload.duration / 1000)
    const { memberAssignment } = payload
    metrics.assigned(({ topic, partition }) => memberAssignment[topic ?? '']?.includes(partition ?? -1) ?? false)
  })
  consumer.on(events.STOP, () => metrics.assigned(() => false))
  consumer.on(events.CRASH, ({ payload }) => {
    metrics.crashed(payload.error)
    metrics.assigned(() => false)
  })
  consumer.on(events.COMMIT_OFFSETS, () => metrics.committed())
  // Messages of a batch are behind until it is done: from its first offset at the beginning, from
  // its last at the end.
  consumer.on(events.START_BATCH_PROCESS, ({ payload }) => {
    const source = sourceOf(payload.topic, payload.partition)
    metrics.batchBegun(source)
    metrics.buffered(source, payload.batchSize)
    metrics.lag(source, lagBehind(payload.highWatermark, Number(payload.firstOffset) - 1))
  })
  consumer.on(events.END_BATCH_PROCESS, ({ payload }) => {
    const source = sourceOf(payload.topic, payload.partition)
    metrics.buffered(source, 0)
    metrics.lag(source, lagBehind(payload.highWatermark, Number(payload.lastOffset)))
  })
}

// The high watermark is the offset of the next message to be written.
function lagBehind(highWatermark: string, processed: number): number {
  const lag = Number(highWatermark) - 1 - processed
  return Number.isFinite(lag) ? Math.max(0, lag) : 0
}

/** `host:port`; the host may be an IPv6 address. */
export function brokerOf(name: string): Broker {
  const colon = name.lastIndexOf(':')
  const port = Number(name.slice(colon + 1))
  return { address: name.slice(0, colon), port: Number.isInteger(port) ? port : undefined }
}
