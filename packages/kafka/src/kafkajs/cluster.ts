import type { Kafka } from 'kafkajs'
import { collectLeaders, createMetadataView, type ClusterView } from '../core/clients/cluster-view.ts'

export interface KafkaJSCluster extends ClusterView {
  /** kafkajs's internal object, once it is created. */
  raw(): unknown
}

/**
 * Captures the internal cluster object of a client, which kafkajs creates by a method under a
 * symbol: its `admin` would open a connection to read the metadata. Without that method nothing is
 * known.
 */
export function captureCluster<C>(
  kafka: Kafka,
  makeClient: () => C,
): { readonly client: C; readonly cluster: KafkaJSCluster } {
  let cluster: unknown
  const name = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === CREATE_CLUSTER)
  const creator = kafka as unknown as Record<symbol, unknown>
  const create = name && creator[name]
  if (name === undefined || typeof create !== 'function')
    return { client: makeClient(), cluster: createClusterView(() => undefined) }
  creator[name] = (...args: unknown[]) => (cluster = create.apply(kafka, args))
  try {
    return { client: makeClient(), cluster: createClusterView(() => cluster) }
  } finally {
    creator[name] = create
  }
}

const CREATE_CLUSTER = 'private:Kafka:createCluster'

/** A Metadata response, as kafkajs decodes it. */
interface Metadata {
  readonly clusterId?: unknown
  readonly brokers?: readonly { readonly nodeId?: unknown; readonly host?: unknown; readonly port?: unknown }[]
  readonly topicMetadata?: readonly {
    readonly topic: string
    readonly partitionMetadata?: readonly { readonly partitionId?: unknown; readonly leader?: unknown }[]
  }[]
}

function createClusterView(cluster: () => unknown): KafkaJSCluster {
  const metadata = (): Metadata | undefined => {
    const { brokerPool } = (cluster() ?? {}) as { readonly brokerPool?: { readonly metadata?: Metadata | null } }
    return brokerPool?.metadata ?? undefined
  }
  const view = createMetadataView(
    metadata,
    () => metadata()?.clusterId,
    () => {
      const { brokers = [], topicMetadata = [] } = metadata() ?? {}
      return collectLeaders(
        brokers.map(({ nodeId, host, port }) => ({ id: nodeId, host, port })),
        topicMetadata.map(({ topic, partitionMetadata = [] }) => [
          topic,
          partitionMetadata.map(({ partitionId, leader }) => ({ partition: partitionId, leader })),
        ]),
      )
    },
  )
  return { ...view, raw: cluster }
}
