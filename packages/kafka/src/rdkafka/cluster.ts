import { quietly } from '../core/diagnostics.ts'
import type { ServerAddress } from '../core/source.ts'
import { leaderIn, leadersIn } from '../core/clients/cluster-view.ts'
import type { ClusterView, Leaders } from '../core/clients/cluster-view.ts'
import { brokerOf } from '../kafkajs/metrics.ts'
import { interceptEvents } from './intercept-events.ts'
import { statisticsOf } from './statistics.ts'
import type { Statistics } from './statistics.ts'
import type { RdkafkaClient } from './types.ts'

export interface StatisticsView extends ClusterView {
  /** Reads the statistics of `client` from now on. */
  follow(client: RdkafkaClient): void
}

/**
 * The leaders that librdkafka's statistics name; nothing without `statistics.interval.ms`. The
 * metadata of `connect()` names them, too, but stays as it was when leaders move. The cluster's id
 * is in neither.
 */
export function statisticsView(): StatisticsView {
  let latest: unknown
  let read: unknown
  let known = ''
  let leaders: Leaders = new Map()
  let revision: object | undefined
  // Statistics may be megabytes: read only when a span or metric needs them.
  const refresh = (): void => {
    if (latest === read) return
    read = latest
    quietly('read leaders of librdkafka', () => {
      const { brokers, topics } = entriesOf(statisticsOf(latest))
      const current = JSON.stringify([brokers, topics])
      if (current === known) return
      known = current
      leaders = leadersIn(brokers, topics)
      revision = leaders
    })
  }
  return {
    follow(client) {
      interceptEvents(client, {
        'event.stats': (pass, event) => {
          latest = event
          return pass()
        },
      })
    },
    revision() {
      refresh()
      return revision
    },
    clusterId: () => undefined,
    leaderOf(topic, partition): ServerAddress | undefined {
      refresh()
      return leaderIn(leaders, topic, partition)
    },
  }
}

function entriesOf({ brokers = {}, topics = {} }: Statistics) {
  return {
    brokers: Object.values(brokers).flatMap(({ nodeid, nodename }) => {
      // The group's coordinator and bootstrap brokers have no id of their own.
      if (nodeid === undefined || nodeid < 0 || !nodename) return []
      const { address, port } = brokerOf(nodename)
      return [{ id: nodeid, host: address, port }]
    }),
    topics: Object.entries(topics).map(
      ([topic, { partitions = {} }]) =>
        [topic, Object.values(partitions).map(({ partition, leader }) => ({ partition, leader }))] as const,
    ),
  }
}
