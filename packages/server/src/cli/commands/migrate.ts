import { UsageError } from '../serve/serve-options.ts'

/**
 * `spanlink migrate URL`: what `serve --store` does first, for those who deploy schema and program
 * apart.
 */
export const migrateCommand = {
  asks: 'nobody',
  summary: 'creates or updates the tables of a ClickHouse server or cluster',
  help: `Creates the tables of a ClickHouse server or cluster, or brings them up to this version. Run it again, or twice
at once, as you like: what is there stays.

Usage: spanlink migrate URL     (or $SPANLINK_STORE)

  URL   clickhouse://user:password@host:8123/database
        of a sharded cluster every node of it, and its name in the servers' remote_servers:
        clickhouse://user:password@one:8123,two:8123/database?cluster=name
`,
  run: async (args: readonly string[], out: { readonly line: (text: string) => void }): Promise<number> => {
    const [url = process.env['SPANLINK_STORE'], ...rest] = args
    if (url === undefined || rest.length > 0) throw new UsageError('migrate wants the URL of one store.')
    const { migrateCluster } = await import('../../clickhouse/cluster/open-cluster.ts')
    const { nodes, database, cluster } = await migrateCluster(url)
    const where = nodes.map((node) => new URL(node.url).host).join(', ')
    out.line(`Tables of ${database} are up to date on ${where}${cluster === undefined ? '' : ` (cluster ${cluster})`}.`)
    return 0
  },
} as const
