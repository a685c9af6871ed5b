import process from 'node:process'
import { UsageError } from '../../args.ts'
import { defineCommand } from '../../command.ts'
import { serveFlags } from '../../serve/serve-options.ts'
import { toStore } from '../../serve/store-password.ts'

export const migrateCommand = defineCommand({
  summary: 'creates or updates the tables of a ClickHouse server or cluster',
  description: `Creates the tables of a ClickHouse server or cluster, or updates them to this version, as serve --store does.
Safe to repeat and to run concurrently; rows stay.`,
  usage: ['migrate [URL]     (default: $SPANLINK_STORE)'],
  notes: `  URL   clickhouse://user@host:8123/database
        for a sharded cluster all nodes, and its name in remote_servers:
        clickhouse://user@one:8123,two:8123/database?cluster=name`,
  exitCodes: '0 done, 1 failed, 2 invalid arguments',
  positionals: { name: 'URL', min: 0, max: 1 },
  flags: { 'store-password-file': serveFlags['store-password-file'] },
  run: async (flags, [store = process.env['SPANLINK_STORE']], out) => {
    const url = toStore({ store, 'store-password-file': flags['store-password-file'] }, process.env)
    if (url === undefined) throw new UsageError('missing argument URL')
    const { migrateCluster } = await import('../../../clickhouse/cluster/open-cluster.ts')
    const { nodes, database, cluster } = await migrateCluster(url)
    const hosts = nodes.map((node) => new URL(node.url).host).join(', ')
    out.line(`Tables of ${database} are up to date on ${hosts}${cluster === undefined ? '' : ` (cluster ${cluster})`}.`)
    return 0
  },
})
