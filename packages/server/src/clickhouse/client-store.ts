import type { Log } from '../log.ts'
import type { Client } from './client.ts'
import { countCorruptParts, type CorruptPartGuard, isPatch, selectParts, type Shards } from './damage/corrupt-parts.ts'
import { DamagedRows } from './damage/damaged-rows.ts'
import { StoreError } from './store-error.ts'
import type { MissingPart, Store, StoreInfo, StoreWriter } from './store.ts'

export type ClientStoreOptions = {
  /** Number of engine restarts. @default 0 */
  readonly restarts?: () => number
  /** Clients of the nodes' own tables. @default the client */
  readonly nodes?: readonly Client[]
  /** Where the parts are. @default the client's database */
  readonly shards?: Shards
  /** Detaches unreadable parts. @default none are detached */
  readonly guard?: CorruptPartGuard
  readonly log?: Log | undefined
  /** Whether the table `logs` had rows at the start. @default unknown */
  readonly hadLogs?: () => boolean
}

/** @param current returns undefined while the engine is down */
export function createClientStore(
  mode: Store['mode'],
  current: () => Client | undefined,
  options: ClientStoreOptions = {},
): Store {
  const inserts = new Set<Promise<void>>()
  let hasInsertedLogs = false
  let closed = false
  let lastMissingParts: readonly MissingPart[] = []
  let writer: StoreWriter | undefined
  const client = (): Client => {
    const now = current()
    if (now === undefined || closed) throw new StoreError('unavailable', 'ClickHouse is not running.')
    return now
  }
  const guarded = async <T>(now: Client, run: () => Promise<T>): Promise<T> =>
    await (options.guard?.run(now, run) ?? run())
  return {
    mode,
    state: () => (closed ? 'down' : 'ready'),
    insert: async (table, rows, token) => {
      if (table === 'logs') hasInsertedLogs = true
      const insert = client().insert(table, rows, token)
      inserts.add(insert)
      try {
        await insert
      } finally {
        inserts.delete(insert)
      }
    },
    measureRows: async (table, rows, maxBytes) => client().measureRows(table, rows, maxBytes),
    query: async <Row>(...query: Parameters<Store['query']>) => {
      const now = client()
      return await guarded(now, () => now.query<Row>(...query))
    },
    queryBytes: async (...query) => {
      const now = client()
      return await guarded(now, () => now.queryBytes(...query))
    },
    changeRows: async (sql, params, { signal } = {}) => {
      for (const node of options.nodes ?? [client()]) await node.command(sql, CHANGE_SETTINGS, params, signal)
    },
    attachWriter: (attached) => {
      writer = attached
    },
    writer: () => writer,
    hasLogs: () => hasInsertedLogs || (options.hadLogs?.() ?? true),
    info: async () => {
      const now = client()
      const counted = await guarded(now, () => countRows(now, options.shards))
      const corruptParts = await countCorruptParts(now, options.shards, mode === 'embedded')
      lastMissingParts = corruptParts.lost
      return { ...counted, corruptParts, restarts: options.restarts?.() ?? 0 }
    },
    missingParts: () => options.guard?.lost() ?? lastMissingParts,
    damagedRows: new DamagedRows(options.log ?? (() => {})),
    close: async () => {
      if (closed) return
      await Promise.allSettled(inserts)
      closed = true
      await current()?.close()
    },
  }
}

/** `2` waits for all replicas. */
const CHANGE_SETTINGS = { mutations_sync: '2', lightweight_deletes_sync: '2' } as const

// Up to this many spans, traces are counted exactly; above it, by the mean of this many.
const MAX_COUNTED_SPANS = 2_000_000

async function countRows(
  client: Client,
  shards: Shards | undefined,
): Promise<Omit<StoreInfo, 'restarts' | 'corruptParts'>> {
  const [row] = await client.query<Record<'version' | 'spans' | 'bytesOnDisk', string>>(
    `select version() as version, sumIf(rows, table = 'spans' and not ${isPatch}) as spans, sum(bytes_on_disk) as bytesOnDisk
    from ${selectParts('parts', shards)} and active`,
  )
  const [links] = await client.query<{ n: string }>('select sum(length(links)) as n from spans')
  const spans = Number(row?.spans ?? 0)
  const [counted] = await client.query<{ traces: string; spans: string }>(
    `select uniqExact(trace_id) as traces, count() as spans
    from (select trace_id from trace_rows where type = 'span' limit ${MAX_COUNTED_SPANS})`,
  )
  const traces = Number(counted?.traces ?? 0)
  const isSample = Number(counted?.spans ?? 0) === MAX_COUNTED_SPANS
  return {
    version: row?.version ?? '',
    spans,
    links: Number(links?.n ?? 0),
    traces: isSample ? Math.round((traces * spans) / MAX_COUNTED_SPANS) : traces,
    bytesOnDisk: Number(row?.bytesOnDisk ?? 0),
  }
}
