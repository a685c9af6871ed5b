import type { ServerAddress } from '../source.ts'

/** A client's cluster metadata; undefined until it is connected. */
export interface ClusterView {
  /** Returns another object whenever the metadata may have changed. */
  getRevision(): object | undefined
  getClusterId(): string | undefined
  /**
   * Returns the broker that leads a partition; without one, the one that leads all of the topic.
   */
  getLeader(topic: string, partition: number | undefined): ServerAddress | undefined
}

export interface BrokerEntry {
  readonly id: unknown
  readonly host: unknown
  readonly port: unknown
}

export interface PartitionEntry {
  readonly partition: unknown
  /** The id of a broker. */
  readonly leader: unknown
}

type TopicEntry = readonly [topic: string, partitions: readonly PartitionEntry[]]

/** Leaders by topic; one object per broker, so that leaders can be compared. */
export type Leaders = ReadonlyMap<string, TopicLeaders>

interface TopicLeaders {
  readonly partitions: readonly (ServerAddress | undefined)[]
  readonly all: ServerAddress | undefined
}

export function collectLeaders(brokers: Iterable<BrokerEntry>, topics: Iterable<TopicEntry>): Leaders {
  const servers = new Map<unknown, ServerAddress>()
  for (const { id, host, port } of brokers) {
    if (typeof host === 'string') servers.set(id, { address: host, port: typeof port === 'number' ? port : undefined })
  }
  const leaders = new Map<string, TopicLeaders>()
  for (const [topic, entries] of topics) {
    const partitions: (ServerAddress | undefined)[] = []
    for (const { partition, leader } of entries) {
      if (typeof partition === 'number' && partition >= 0) partitions[partition] = servers.get(leader)
    }
    const [first] = partitions
    leaders.set(topic, { partitions, all: partitions.every((one) => one === first) ? first : undefined })
  }
  return leaders
}

export function findLeader(leaders: Leaders, topic: string, partition: number | undefined): ServerAddress | undefined {
  const known = leaders.get(topic)
  return partition === undefined ? known?.all : known?.partitions[partition]
}

/** Creates the view of a client with its metadata in one object, read once per revision. */
export function createMetadataView(
  getRevision: () => object | undefined,
  readClusterId: () => unknown,
  readLeaders: () => Leaders,
): ClusterView {
  let read: object | undefined
  let leaders: Leaders = new Map()
  return {
    getRevision,
    getClusterId() {
      const id = readClusterId()
      return typeof id === 'string' && id !== '' ? id : undefined
    },
    getLeader(topic, partition) {
      const current = getRevision()
      if (current === undefined) return undefined
      if (current !== read) {
        read = current
        leaders = readLeaders()
      }
      return findLeader(leaders, topic, partition)
    },
  }
}
