import { safely } from '../core/diagnostics.ts'
import { createClientMetrics, type ClientMetrics } from '../metrics/client-metrics.ts'
import type { ServerAddress } from '../core/source.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import type { ClientSettings } from './settings.ts'
import { createPartitionSources, type GetSource } from '../core/clients/consumer-sources.ts'
import { parseBroker } from '../core/clients/broker-address.ts'
import { interceptEvents } from './intercept-events.ts'
import { parseStatistics, type BrokerStatistics, type Statistics } from './statistics.ts'
import type { RdkafkaClient } from './types.ts'

/**
 * Feeds metrics from the `event.stats` that the application configures with
 * `statistics.interval.ms`. Sets no `stats_cb`: that of a producer would replace its Kafka's.
 */
export function measureStatistics(
  client: RdkafkaClient,
  instrumentation: Instrumentation,
  settings: ClientSettings,
): void {
  if (measured.has(client)) return
  measured.add(client)
  const getSource = createPartitionSources(settings)
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
      safely('read statistics of librdkafka', () => {
        metrics ??= createClientMetrics(instrumentation, settings.groupId)
        if (metrics !== undefined) readStatistics(parseStatistics(event), metrics, counters, getSource)
      })
      return pass()
    },
    // No statistics follow a disconnect; late ones are older.
    disconnected(pass) {
      isOver = true
      metrics?.reset()
      return pass()
    },
  })
}

const measured = new WeakSet<RdkafkaClient>()

function readStatistics(
  { brokers, topics, cgrp }: Statistics,
  metrics: ClientMetrics,
  counters: Map<string, number>,
  getSource: GetSource,
): void {
  const countGrowth = (name: string, value: number | undefined): number => {
    const since = (value ?? 0) - (counters.get(name) ?? 0)
    if (value !== undefined) counters.set(name, value)
    return Math.max(0, since)
  }
  for (const [name, broker] of Object.entries(brokers ?? {})) {
    // The group coordinator is a separate entry with its own connections.
    if (broker.nodename)
      readBroker(broker, name, parseBroker(broker.nodename), metrics, (field) =>
        countGrowth(`${name} ${field}`, broker[field]),
      )
  }
  repeat(countGrowth('rebalances', cgrp?.rebalance_cnt), () => metrics.countRebalance())
  const assigned = new Set<unknown>()
  for (const [topic, { partitions }] of Object.entries(topics ?? {})) {
    for (const one of Object.values(partitions ?? {})) {
      if (one.fetch_state !== 'active' || one.partition === undefined || one.partition < 0) continue
      const source = getSource(topic, one.partition)
      assigned.add(source)
      metrics.setBuffered(source, one.fetchq_cnt ?? 0)
      const lag = [one.consumer_lag_stored, one.consumer_lag].find((known) => known !== undefined && known >= 0)
      if (lag !== undefined) metrics.setLag(source, lag)
    }
  }
  metrics.dropUnassigned((source) => assigned.has(source))
}

function readBroker(
  { outbuf_cnt: queued, state }: BrokerStatistics,
  name: string,
  broker: ServerAddress,
  metrics: ClientMetrics,
  grown: (field: 'connects' | 'disconnects' | 'rxbytes' | 'txbytes' | 'req_timeouts') => number,
): void {
  metrics.countConnections(broker, grown('connects'), grown('disconnects'))
  metrics.setOpenConnections(broker, name, state !== undefined && OPEN_STATES.has(state) ? 1 : 0)
  // Statistics do not name the requests.
  repeat(grown('req_timeouts'), () => metrics.countRequestTimeout(broker, 'unknown'))
  metrics.onBytes(broker, grown('rxbytes'), grown('txbytes'))
  if (queued !== undefined) metrics.setQueuedRequests(broker, queued)
}

// UPDATE: a configured broker is being replaced by one of the metadata.
const OPEN_STATES: ReadonlySet<string> = new Set(['UP', 'UPDATE'])

function repeat(count: number, call: () => void): void {
  for (let i = 0; i < count; i += 1) call()
}
