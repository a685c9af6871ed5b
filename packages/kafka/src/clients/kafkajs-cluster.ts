import type { Kafka } from 'kafkajs'
import type { ServerAddress } from '../source.ts'

/** What kafkajs knows about the cluster it is connected to. Everything is undefined until it is. */
export interface KafkaJSCluster {
  /** Another object after each refresh, by which what was read is out of date. */
  metadata(): object | undefined
  clusterId(): string | undefined
  leaderOf(topic: string, partition: number | undefined): ServerAddress | undefined
  /** kafkajs's own object. */
  itself(): unknown
}

/**
 * Reads the metadata that kafkajs holds. It shows them to nobody: its `admin` would tell, over a connection of its own, which an
 * instrumentation must not open. So this looks on when `kafka` makes the cluster object of a client, by a method whose name is a symbol;
 * where that isn't found, nothing is known and nothing fails.
 */
export function watchCluster<C>(
  kafka: Kafka,
  makeClient: () => C,
): { readonly client: C; readonly cluster: KafkaJSCluster } {
  let cluster: unknown
  const name = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === CREATE_CLUSTER)
  const creator = kafka as unknown as Record<symbol, unknown>
  const create = name && creator[name]
  if (name === undefined || typeof create !== 'function')
    return { client: makeClient(), cluster: clusterView(() => undefined) }
  creator[name] = (...args: unknown[]) => (cluster = create.apply(kafka, args))
  try {
    return { client: makeClient(), cluster: clusterView(() => cluster) }
  } finally {
    creator[name] = create
  }
}

const CREATE_CLUSTER = 'private:Kafka:createCluster'

/** What a Metadata response says, as kafkajs decodes it. */
interface Metadata {
  readonly clusterId?: unknown
  readonly brokers?: readonly { readonly nodeId?: unknown; readonly host?: unknown; readonly port?: unknown }[]
  readonly topicMetadata?: readonly {
    readonly topic?: unknown
    readonly partitionMetadata?: readonly { readonly partitionId?: unknown; readonly leader?: unknown }[]
  }[]
}

function clusterView(cluster: () => unknown): KafkaJSCluster {
  const metadata = (): Metadata | undefined => {
    const { brokerPool } = (cluster() ?? {}) as { readonly brokerPool?: { readonly metadata?: Metadata | null } }
    return brokerPool?.metadata ?? undefined
  }
  let read: Metadata | undefined
  let leaders: ReturnType<typeof leadersIn> = new Map()
  return {
    itself: cluster,
    metadata,
    clusterId() {
      const id = metadata()?.clusterId
      return typeof id === 'string' && id !== '' ? id : undefined
    },
    leaderOf(topic, partition) {
      const known = metadata()
      if (known === undefined || partition === undefined) return undefined
      if (known !== read) {
        read = known
        leaders = leadersIn(known)
      }
      return leaders.get(topic)?.[partition]
    },
  }
}

/** One object per broker, so that places can be compared. */
function leadersIn({ brokers, topicMetadata }: Metadata): Map<unknown, ServerAddress[]> {
  const servers = new Map<unknown, ServerAddress>()
  for (const { nodeId, host, port } of brokers ?? []) {
    if (typeof host === 'string') {
      servers.set(nodeId, { address: host, port: typeof port === 'number' ? port : undefined })
    }
  }
  const leaders = new Map<unknown, ServerAddress[]>()
  for (const { topic, partitionMetadata } of topicMetadata ?? []) {
    const ofTopic: ServerAddress[] = []
    for (const { partitionId, leader } of partitionMetadata ?? []) {
      const server = servers.get(leader)
      if (server !== undefined && typeof partitionId === 'number') ofTopic[partitionId] = server
    }
    leaders.set(topic, ofTopic)
  }
  return leaders
}
