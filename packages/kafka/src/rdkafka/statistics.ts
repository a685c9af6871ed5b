import { quietly } from '../core/diagnostics.ts'
import { clientMetrics } from '../metrics/client-metrics.ts'
import type { ClientMetrics } from '../metrics/client-metrics.ts'
import type { Broker } from '../metrics/sockets.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import type { ClientSettings } from '../confluent/settings.ts'
import { partitionSources } from '../core/clients/consumer-sources.ts'
import type { SourceOf } from '../core/clients/consumer-sources.ts'
import { brokerOf } from '../kafkajs/metrics.ts'
import { interceptEvents } from './intercept-events.ts'
import type { RdkafkaClient } from './types.ts'

// What librdkafka tells of itself every `statistics.interval.ms`, if the application configures
// that (0, never, is its default). Counters grow for as long as the client lives.
// https://github.com/confluentinc/librdkafka/blob/v2.15.1/STATISTICS.md
//
// brokers.*.connects, disconnects, txbytes, rxbytes, req_timeouts counters connects, disconnects,
// io, request timeouts
// brokers.*.state text connections
// brokers.*.outbuf_cnt gauge requests waiting to be sent
// cgrp.rebalance_cnt counter rebalances
// topics.*.partitions.*.consumer_lag_stored, consumer_lag, fetchq_cnt gauges lag, messages fetched
// and not yet processed

/**
 * Feeds the metrics of a client from its statistics. The event is seen on its way to the
 * application's `stats_cb` or listeners, whose it stays; none is set here, as one in a producer's
 * configuration would replace one of its Kafka's.
 */
export function measureStatistics(client: RdkafkaClient, telemetry: KafkaTelemetry, settings: ClientSettings): void {
  if (measured.has(client)) return
  measured.add(client)
  const sourceOf = partitionSources(settings)
  let metrics: ClientMetrics | undefined
  let isOver = false
  const counters = new Map<string, number>()
  interceptEvents(client, {
    ready(pass) {
      isOver = false
      return pass()
    },
    'event.stats': (pass, event) => {
      if (isOver) return pass()
      quietly('read statistics of librdkafka', () => {
        metrics ??= clientMetrics(telemetry, settings.groupId)
        if (metrics !== undefined) readStatistics(statisticsOf(event), metrics, counters, sourceOf)
      })
      return pass()
    },
    // No statistics follow that would say so; those still on their way are of before.
    disconnected(pass) {
      isOver = true
      metrics?.ended()
      return pass()
    },
  })
}

const measured = new WeakSet<RdkafkaClient>()

export interface Statistics {
  readonly brokers?: Readonly<Record<string, BrokerStatistics>>
  readonly topics?: Readonly<Record<string, { readonly partitions?: Readonly<Record<string, PartitionStatistics>> }>>
  readonly cgrp?: { readonly rebalance_cnt?: number }
}

interface BrokerStatistics {
  /** `host:port`, or empty for what is no broker. */
  readonly nodename?: string
  /** Below zero for what is no broker, or one that is known by its address only. */
  readonly nodeid?: number
  readonly state?: string
  readonly connects?: number
  readonly disconnects?: number
  readonly rxbytes?: number
  readonly txbytes?: number
  readonly req_timeouts?: number
  readonly outbuf_cnt?: number
}

interface PartitionStatistics {
  /** -1: not assigned to any, only messages of which are still to be partitioned. */
  readonly partition?: number
  /** The id of a broker. */
  readonly leader?: number
  readonly fetch_state?: string
  readonly fetchq_cnt?: number
  /** Behind what was committed, and behind what was stored to be committed; -1 when unknown. */
  readonly consumer_lag?: number
  readonly consumer_lag_stored?: number
}

/** The statistics of an event, parsed once. */
export function statisticsOf(event: unknown): Statistics {
  if (typeof event !== 'object' || event === null) return {}
  let statistics = parsedEvents.get(event)
  if (statistics === undefined) {
    const { message } = event as { readonly message?: unknown }
    const parsed: unknown = typeof message === 'string' ? JSON.parse(message) : undefined
    statistics = typeof parsed === 'object' && parsed !== null ? parsed : {}
    parsedEvents.set(event, statistics)
  }
  return statistics
}

const parsedEvents = new WeakMap<object, Statistics>()

function readStatistics(
  { brokers, topics, cgrp }: Statistics,
  metrics: ClientMetrics,
  counters: Map<string, number>,
  sourceOf: SourceOf,
): void {
  const grown = (name: string, value: number | undefined): number => {
    const since = (value ?? 0) - (counters.get(name) ?? 0)
    if (value !== undefined) counters.set(name, value)
    return Math.max(0, since)
  }
  for (const [name, broker] of Object.entries(brokers ?? {})) {
    // The group's coordinator is an entry of its own, with connections of its own.
    if (broker.nodename)
      readBroker(broker, name, brokerOf(broker.nodename), metrics, (field) => grown(`${name} ${field}`, broker[field]))
  }
  times(grown('rebalances', cgrp?.rebalance_cnt), () => metrics.rebalancing())
  const assigned = new Set<unknown>()
  for (const [topic, { partitions }] of Object.entries(topics ?? {})) {
    for (const one of Object.values(partitions ?? {})) {
      if (one.fetch_state !== 'active' || one.partition === undefined || one.partition < 0) continue
      const source = sourceOf(topic, one.partition)
      assigned.add(source)
      metrics.buffered(source, one.fetchq_cnt ?? 0)
      const lag = [one.consumer_lag_stored, one.consumer_lag].find((known) => known !== undefined && known >= 0)
      if (lag !== undefined) metrics.lag(source, lag)
    }
  }
  metrics.assigned((source) => assigned.has(source))
}

function readBroker(
  { outbuf_cnt: queued, state }: BrokerStatistics,
  name: string,
  broker: Broker,
  metrics: ClientMetrics,
  grown: (field: 'connects' | 'disconnects' | 'rxbytes' | 'txbytes' | 'req_timeouts') => number,
): void {
  metrics.connectsAndDisconnects(broker, grown('connects'), grown('disconnects'))
  metrics.openConnections(broker, name, state !== undefined && OPEN.has(state) ? 1 : 0)
  // It doesn't say which requests.
  times(grown('req_timeouts'), () => metrics.requestTimedOut(broker, 'unknown'))
  metrics.io(broker, grown('rxbytes'), grown('txbytes'))
  if (queued !== undefined) metrics.queuedRequests(broker, queued)
}

// UPDATE: a broker of metadata that is taking the place of one of the configuration.
const OPEN: ReadonlySet<string> = new Set(['UP', 'UPDATE'])

function times(count: number, call: () => void): void {
  for (let i = 0; i < count; i += 1) call()
}
