import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { ClickHouseLogLevel, type ClickHouseSettings, createClient } from '@clickhouse/client'
import { messagingColumnNames } from './insert/messaging/messaging-columns.ts'
import { messageCountColumns } from './insert/rollups/traffic-minutes.ts'
import type { ColumnInfo, DerivedRows } from './insert/native/native-block.ts'
import { createBlockPool } from './insert/native/native-block-pool.ts'
import { InsertCache } from './insert/insert-cache.ts'
import { createSourceObserver } from './insert/source-observer.ts'
import { SpanObserver } from './insert/span-observer.ts'
import { TraceRows } from './insert/trace-rows.ts'
import { StoreError, type UnstoredRows } from './store-error.ts'
import { toStoreError } from './to-store-error.ts'
import { checkRowCount, parseRows, readRowCount } from './read/parse-rows.ts'
import { createQuerySender, type QueryResult, type SentQuery } from './read/query-sender.ts'
import type { QueryOptions, QueryParams, Store } from './store.ts'
import type { Table } from './tables.ts'

export type Access = {
  readonly url: string
  readonly username?: string
  readonly password?: string
  /** Login for queries. @default the same user */
  readonly reader?: { readonly username: string; readonly password: string }
  /** Database of unqualified table names; must exist. */
  readonly database?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Applied to every statement. */
  readonly settings?: ClickHouseSettings
}

/** The store's part of the driver; every failure becomes a `StoreError`. */
export type Client = {
  insert(table: Table, rows: readonly Uint8Array[], token: string): Promise<void>
  measureRows: Store['measureRows']
  query: Store['query']
  queryBytes: Store['queryBytes']
  /** Runs a statement that returns no rows, for the schema, retention and deletes. */
  command(sql: string, settings?: ClickHouseSettings, params?: QueryParams, signal?: AbortSignal): Promise<void>
  /** Reads the whole part and verifies its checksums (`CHECK TABLE`). */
  isPartReadable(table: string, part: string): Promise<boolean>
  ping(): Promise<boolean>
  close(): Promise<void>
}

/** Columns that inserts fill although they have a default, which serves older rows. */
const columnsWithDefault: Partial<Record<Table, readonly string[]>> = {
  spans: messagingColumnNames,
  traffic_minutes: messageCountColumns,
}

export function connect(access: Access): Client {
  const open = (connections: number, login: NonNullable<Access['reader']>) =>
    createClient({
      url: access.url,
      ...login,
      database: access.database,
      http_headers: { ...access.headers },
      clickhouse_settings: { ...access.settings },
      application: 'spanlink',
      max_open_connections: connections,
      request_timeout: INSERT_TIMEOUT_MS,
      // Sets of ids would not fit in a URL.
      use_multipart_params_auto: true,
      // Callers receive failures through one function: `toStoreError`.
      log: { level: ClickHouseLogLevel.OFF },
    })
  const { username = 'default', password = '' } = access
  // Queries use a separate connection pool, so that waiting queries never delay an insert.
  const client = open(INSERT_CONNECTIONS, { username, password })
  const reader = access.reader ?? { username, password }
  const queries = open(QUERY_CONNECTIONS, reader)
  const sender = createQuerySender({
    ...reader,
    url: access.url,
    database: access.database,
    headers: { ...access.headers },
    connections: QUERY_CONNECTIONS,
  })
  // With `wait_end_of_query`, closing the connection doesn't stop the query.
  const kill = (queryId: string): Promise<unknown> =>
    client
      .command({ query: 'kill query where query_id = {queryId:String} async', query_params: { queryId } })
      .catch(() => {})
  const readColumns = async (table: Table): Promise<readonly ColumnInfo[]> => {
    const result = await client.query({
      query: `select name, type from system.columns
        where database = currentDatabase() and table = {table:String} and (default_kind = '' or name in {derived:Array(String)})
        order by position`,
      query_params: { table, derived: columnsWithDefault[table] ?? [] },
      format: 'JSONEachRow',
    })
    return await result.json<ColumnInfo>()
  }
  const [sources, operations] = [new InsertCache(), new InsertCache()]
  const withBlock = createBlockPool(readColumns, (table) => {
    if (table === 'spans') return new SpanObserver(operations)
    return table === 'sources' ? createSourceObserver(sources) : undefined
  })
  const sendBlock = async (table: Table, bytes: readonly Buffer[], token: string): Promise<void> => {
    const { stream } = await client.exec({
      query: `insert into ${table} format Native`,
      values: Readable.from(bytes, { objectMode: false }),
      clickhouse_settings: { ...insertSettings, ...tableSettings[table], insert_deduplication_token: token },
    })
    await buffer(stream)
  }
  const spareTraceRows: TraceRows[] = []
  const insertTraceRows = async (spans: readonly Uint8Array[], token: string): Promise<void> => {
    const traceRows = spareTraceRows.pop() ?? new TraceRows()
    try {
      await sendBlock('trace_rows', await traceRows.toBlock(spans), token)
    } finally {
      traceRows.clear()
      spareTraceRows.push(traceRows)
    }
  }
  const insertRows = (table: Table, rows: readonly Uint8Array[], token: string): Promise<void> =>
    withBlock(table, async (block) => {
      const native = await block.toColumns(rows)
      const { observer } = block
      if (observer?.isStored?.()) return
      const derived = (await observer?.deriveRows?.()) ?? []
      await sendBlock(table, native, token)
      observer?.markStored?.()
      for (const [at, { table: of, rows: rowsOf, markStored }] of derived.entries()) {
        try {
          if (rowsOf.length > 0) await insertRows(of, [rowsOf], token)
          markStored?.()
        } catch (error) {
          throw toStoreError(error, await Promise.all(derived.slice(at).map(copyRows)))
        }
      }
    })
  const measureRows: Store['measureRows'] = (table, rows, maxBytes) =>
    withBlock(table, (block) => block.measure(rows, maxBytes))
  /** Copies the rows, because the block returns to the pool. */
  const copyRows = async ({ table, rows }: DerivedRows<UnstoredRows['table']>): Promise<UnstoredRows> => {
    const bytes = Uint8Array.from(rows)
    return { table, bytes, rows: (await measureRows(table, bytes, bytes.length)).rows }
  }
  const sendQuery = async (query: SentQuery): Promise<QueryResult> => {
    const result = sender.send(query)
    if (result !== undefined) return await result
    const { sql, params, settings, queryId, signal } = query
    const { stream, response_headers: headers } = await queries.exec({
      query: sql,
      query_params: params,
      clickhouse_settings: settings,
      query_id: queryId,
      abort_signal: signal,
    })
    return { bytes: await buffer(stream), summary: headers['x-clickhouse-summary'] }
  }
  const runQuery = async (
    sql: string,
    params: QueryParams = {},
    { signal: stop, timeoutMs = 10_000 }: QueryOptions = {},
  ): Promise<QueryResult> => {
    // ClickHouse enforces `max_execution_time`; this deadline covers a server that doesn't respond.
    const deadline = AbortSignal.timeout(timeoutMs + 2000)
    const signal = stop === undefined ? deadline : AbortSignal.any([stop, deadline])
    let queryId = ''
    const settings = { ...access.settings, ...querySettings, max_execution_time: timeoutMs / 1000 }
    const runOnce = async (): Promise<QueryResult> => {
      queryId = randomUUID()
      return await sendQuery({ sql, params, settings, queryId, signal })
    }
    try {
      signal.throwIfAborted()
      try {
        return await runOnce()
      } catch (error) {
        // A pooled connection may close just as the query is sent, so retry once. A stopped
        // server refuses the second attempt.
        if (signal.aborted || !isLostConnection(error)) throw error
        return await runOnce()
      }
    } catch (error) {
      if (signal.aborted) void kill(queryId)
      if (stop?.aborted) throw new StoreError('cancelled', 'The query was cancelled.', { cause: error })
      // Not `unavailable`: under load, ClickHouse may run and respond late. Pings check liveness.
      if (deadline.aborted) throw new StoreError('timeout', 'ClickHouse did not respond in time.', { cause: error })
      throw toStoreError(error)
    }
  }
  return {
    insert: async (table, rows, token) => {
      if (rows.every((chunk) => chunk.length === 0)) return
      const insert = table === 'trace_rows' ? insertTraceRows(rows, token) : insertRows(table, rows, token)
      await insert.catch(throwStoreError)
    },
    measureRows: (table, rows, maxBytes) => measureRows(table, rows, maxBytes).catch(throwStoreError),
    query: async <Row>(sql: string, params?: QueryParams, options?: QueryOptions): Promise<Row[]> => {
      const { bytes, summary } = await runQuery(`${sql} format JSONEachRow`, params, options)
      const rows = parseRows<Row>(bytes)
      checkRowCount(rows.length, readRowCount(summary))
      return rows
    },
    queryBytes: async (sql, params, options) => {
      const { bytes, summary } = await runQuery(`${sql} format Native`, params, options)
      return { bytes, rows: readRowCount(summary) }
    },
    command: async (sql, settings, params, signal) => {
      const command = {
        query: sql,
        query_params: { ...params },
        abort_signal: signal,
        clickhouse_settings: { ...settings, wait_end_of_query: 1 } as const,
      }
      await client.command(command).catch(throwStoreError)
    },
    isPartReadable: async (table, part) => {
      const check = {
        query: `check table ${table} part '${part}'`,
        format: 'JSONEachRow',
        clickhouse_settings: { check_query_single_value_result: 1 },
      } as const
      const result = await client.query(check).catch(throwStoreError)
      const [row] = await result.json<{ readonly result: number }>().catch(throwStoreError)
      return row?.result === 1
    },
    ping: async () => {
      const result = await client.ping({ select: true, abort_signal: AbortSignal.timeout(2000) })
      return result.success
    },
    close: async () => {
      sender.close()
      await Promise.all([client.close(), queries.close()])
    },
  }
}

function throwStoreError(error: unknown): never {
  throw toStoreError(error)
}

/** Two segments of several tables each, their derived rows, schema and retention statements. */
const INSERT_CONNECTIONS = 16
const QUERY_CONNECTIONS = 48

// A segment of tens of megabytes under load; a dead engine closes the connection at once.
const INSERT_TIMEOUT_MS = 120_000

/** One block per insert: the token covers a block, so only then is a replay all or nothing. */
export const oneBlock: ClickHouseSettings = {
  max_insert_block_size: '16777216',
  min_insert_block_size_rows: '16777216',
  min_insert_block_size_bytes: '17179869184',
  max_insert_threads: '1',
}

const insertSettings: ClickHouseSettings = {
  async_insert: 0,
  wait_end_of_query: 1,
  insert_deduplicate: 1,
  deduplicate_blocks_in_dependent_materialized_views: 1,
  ...oneBlock,
  // Partitions are arrival days: rows of one segment lie on both sides of midnight at most.
  max_partitions_per_insert_block: '10',
}

const tableSettings: Partial<Record<Table, ClickHouseSettings>> = {
  // Merges build the other skip indexes; see schema/spans.sql.
  spans: {
    materialize_skip_indexes_on_insert: 1,
    exclude_materialize_skip_indexes_on_insert: 'sources, trace_ids, topics, attribute_types',
  },
}

const querySettings: ClickHouseSettings = {
  readonly: '2',
  output_format_json_array_of_rows: 1,
  output_format_json_quote_64bit_integers: 1,
  // NaN and infinities as strings instead of null.
  output_format_json_quote_denormals: 1,
  // Buffers the response: an exception after the first rows must not look like its end. Above this
  // size in a file.
  wait_end_of_query: 1,
  http_response_buffer_size: '4194304',
}

function isLostConnection(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ECONNRESET' || code === 'EPIPE'
}
