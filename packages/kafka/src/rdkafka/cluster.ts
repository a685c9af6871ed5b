import { safely } from '../core/diagnostics.ts'
import type { ServerAddress } from '../core/source.ts'
import { findLeader, collectLeaders, type ClusterView, type Leaders } from '../core/clients/cluster-view.ts'
import { parseBroker } from '../core/clients/broker-address.ts'
import { interceptEvents } from './intercept-events.ts'
import { parseStatistics, type Statistics } from './statistics.ts'
import type { RdkafkaClient } from './types.ts'

export interface StatisticsView extends ClusterView {
  /** Reads the statistics of `client` from now on. */
  watch(client: RdkafkaClient): void
}

/**
 * Reads leaders from librdkafka's statistics, if `statistics.interval.ms` is set; the metadata of
 * `connect()` is not updated. The cluster id is in neither.
 */
export function createStatisticsView(): StatisticsView {
  let latest: unknown
  let read: unknown
  let known = ''
  let leaders: Leaders = new Map()
  let revision: object | undefined
  // Parsed only when needed: statistics may be megabytes.
  const refresh = (): void => {
    if (latest === read) return
    read = latest
    safely('read leaders of librdkafka', () => {
      const { brokers, topics } = toEntries(parseStatistics(latest))
      const current = JSON.stringify([brokers, topics])
      if (current === known) return
      known = current
      leaders = collectLeaders(brokers, topics)
      revision = leaders
    })
  }
  return {
    watch(client) {
      interceptEvents(client, {
        'event.stats': (pass, event) => {
          latest = event
          return pass()
        },
      })
    },
    getRevision() {
      refresh()
      return revision
    },
    getClusterId: () => undefined,
    getLeader(topic, partition): ServerAddress | undefined {
      refresh()
      return findLeader(leaders, topic, partition)
    },
  }
}

function toEntries({ brokers = {}, topics = {} }: Statistics) {
  return {
    brokers: Object.values(brokers).flatMap(({ nodeid, nodename }) => {
      // Coordinator and bootstrap brokers have no id.
      if (nodeid === undefined || nodeid < 0 || !nodename) return []
      const { address, port } = parseBroker(nodename)
      return [{ id: nodeid, host: address, port }]
    }),
    topics: Object.entries(topics).map(
      ([topic, { partitions = {} }]) =>
        [topic, Object.values(partitions).map(({ partition, leader }) => ({ partition, leader }))] as const,
    ),
  }
}
