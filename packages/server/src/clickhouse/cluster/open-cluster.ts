import { type Access, type Client, connect } from '../client.ts'
import { createFailoverClient } from './failover-client.ts'
import { applyClusterSchema, toShardDatabase } from './cluster-schema.ts'
import { createClientStore } from '../client-store.ts'
import { startRetentionTimer } from '../retention.ts'
import { applySchema } from '../schema/schema.ts'
import { parseStoreUrl, type StoreUrl } from '../store-url.ts'
import type { Store, StoreOptions } from '../store.ts'

/**
 * Connects to a ClickHouse server or cluster and brings its tables up to date. `parseStoreUrl`
 * defines the form of the URL.
 *
 * @throws StoreError when the URL is invalid or the server can't be used
 */
export async function openClusterStore(url: string, options: StoreOptions = {}): Promise<Store> {
  const target = parseStoreUrl(url)
  await applyTargetSchema(target)
  const { nodes, database, cluster } = target
  const all = nodes.map((node) =>
    connect({ ...node, database, settings: cluster === undefined ? {} : clusterSettings }),
  )
  const client = createFailoverClient(all as [Client, ...Client[]])
  // Rows are in the nodes' local tables; the Distributed tables store none.
  const shards = cluster === undefined ? undefined : { cluster, database: toShardDatabase(database) }
  const shardClients = shards === undefined ? [] : nodes.map((node) => connect({ ...node, database: shards.database }))
  const owners = shards === undefined ? all : shardClients
  const stopRetention = startRetentionTimer(() => owners, options.retention, options.log ?? (() => {}))
  const store = createClientStore('cluster', () => client, { nodes: owners, shards, log: options.log })
  return {
    ...store,
    isSharded: cluster !== undefined,
    close: async () => {
      stopRetention()
      await store.close()
      await Promise.all(shardClients.map((node) => node.close()))
    },
  }
}

/**
 * Creates the tables, or brings them to this program's version. Idempotent, and safe to run
 * concurrently.
 *
 * @throws StoreError
 */
export async function migrateCluster(url: string): Promise<StoreUrl> {
  const target = parseStoreUrl(url)
  await applyTargetSchema(target)
  return target
}

async function applyTargetSchema({ nodes, database, cluster }: StoreUrl): Promise<void> {
  const clients = nodes.map((node) => connect(node))
  try {
    if (cluster === undefined) await applySchema(clients[0] as Client, database)
    else await applyClusterSchema(clients, database, cluster)
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
}

const clusterSettings: Access['settings'] = {
  // An insert completes when every shard has its rows. A retry after a failure uses the same token.
  distributed_foreground_insert: 1,
  // A table in a subquery means its rows on all shards.
  distributed_product_mode: 'global',
  // A trace is on one shard; the query skips the others.
  optimize_skip_unused_shards: 1,
}
