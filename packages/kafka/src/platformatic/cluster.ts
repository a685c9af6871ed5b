import { collectLeaders, createMetadataView, type ClusterView } from '../core/clients/cluster-view.ts'

/** The metadata of a client, by its public `currentMetadata`. */
interface Metadata {
  readonly id?: unknown
  /** Another Map after each fetch. */
  readonly brokers?: ReadonlyMap<unknown, { readonly host?: unknown; readonly port?: unknown }>
  readonly topics?: ReadonlyMap<
    string,
    { readonly partitions?: readonly ({ readonly leader?: unknown } | undefined)[] }
  >
}

export function getPlatformaticCluster(client: object): ClusterView {
  let view = views.get(client)
  if (view === undefined) views.set(client, (view = createView(client)))
  return view
}

const views = new WeakMap<object, ClusterView>()

function createView(client: object): ClusterView {
  const metadata = (): Metadata => (client as { readonly currentMetadata?: Metadata }).currentMetadata ?? {}
  return createMetadataView(
    () => metadata().brokers,
    () => metadata().id,
    () => {
      const { brokers, topics } = metadata()
      return collectLeaders(
        [...(brokers ?? [])].map(([id, { host, port }]) => ({ id, host, port })),
        [...(topics ?? [])].map(([topic, { partitions = [] }]) => [
          topic,
          partitions.map((one, partition) => ({ partition, leader: one?.leader })),
        ]),
      )
    },
  )
}
