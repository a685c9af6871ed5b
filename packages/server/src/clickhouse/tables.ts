export const signals = ['traces', 'logs', 'metrics'] as const

export type Signal = (typeof signals)[number]

/** How ClickHouse shards and drops the rows of a table. */
type TableRules = {
  /** SQL expression that chooses the shard. */
  readonly shardingKey: string
  /** Whole days are dropped by the signal's retention, or rows that no kept day can reference. */
  readonly expiry: Signal | 'unreferenced'
}

/**
 * Every table has `schema/<name>.sql`. The order is the insert order: what a queryable row needs is
 * inserted before it. It also numbers the tables in journal frames: append new tables only.
 *
 * A trace's spans, links in both directions and logs are on one shard. Sharding keys are
 * never random: a repeated insert must split the same way, or a shard deduplicates other rows.
 */
export const tables = {
  sources: { shardingKey: 'source_id', expiry: 'unreferenced' },
  trace_rows: { shardingKey: 'cityHash64(trace_id)', expiry: 'traces' },
  spans: { shardingKey: 'cityHash64(trace_id)', expiry: 'traces' },
  logs: {
    shardingKey: "if(trace_id = toFixedString('', 16), cityHash64(source_id, timestamp), cityHash64(trace_id))",
    expiry: 'logs',
  },
  metric_series: { shardingKey: 'series_id', expiry: 'unreferenced' },
  metric_points: { shardingKey: 'series_id', expiry: 'metrics' },
  traffic_minutes: { shardingKey: 'cityHash64(service, topic)', expiry: 'traces' },
  operations: { shardingKey: 'cityHash64(service, name)', expiry: 'unreferenced' },
} as const satisfies Readonly<Record<string, TableRules>>

export type Table = keyof typeof tables

/** Tables that a journal frame may contain. Rows of `spans` are inserted into `trace_rows`, too. */
export type RowTable = Exclude<Table, 'trace_rows'>

export const tableNames = Object.keys(tables) as readonly Table[]

export const rowTables = tableNames.filter((name) => name !== 'trace_rows')
