import type { Readable } from 'node:stream'
import type { Log } from '../log.ts'
import type { DamagedRows } from './damage/damaged-rows.ts'
import type { RowTable, Signal, Table } from './tables.ts'

/**
 * The interface between Spanlink and ClickHouse. It hides the driver, the engine process and the
 * location of the schema. An embedded engine and a cluster behave the same.
 */
export type Store = {
  readonly mode: 'embedded' | 'cluster'
  /** A failed insert may be stored on some shards. @default false: inserts are atomic */
  readonly isSharded?: boolean
  /** Current state. While it isn't `ready`, the journal holds acknowledged rows. */
  state(): 'starting' | 'ready' | 'down'
  /**
   * Inserts RowBinary rows, in the column order of `schema/<table>.sql` (for `trace_rows`: of
   * `spans`) and in chunks of whole rows. Resolves once they are stored and queryable. An insert of
   * spans stores the rollups last, under the same token. Repeating a token is a no-op that
   * resolves: a replay after a crash stores nothing twice in any table. Rejects with a `StoreError`
   * when the engine is down or rejects the rows; the caller retries them with the same token.
   */
  insert(table: Table, rows: readonly Uint8Array[], token: string): Promise<void>
  /**
   * Counts the rows of `rows` that fit into `maxBytes`, at least one, and their bytes. `rows`
   * starts with a whole row. Rejects with `bad-rows` when they are not rows of that table.
   */
  measureRows(
    table: RowTable,
    rows: Uint8Array,
    maxBytes: number,
  ): Promise<{ readonly rows: number; readonly bytes: number }>
  /**
   * Runs a query. `sql` has `{name:Type}` parameters and no values; 64-bit integers are returned
   * as strings. Rejects with a `StoreError`.
   */
  query<Row>(sql: string, params?: QueryParams, options?: QueryOptions): Promise<Row[]>
  /**
   * Like `query`, but returns the rows in Native blocks, for payloads that are decoded here. `rows`
   * is the number of rows sent; fewer arrive when the disk is full.
   */
  queryBytes(
    sql: string,
    params?: QueryParams,
    options?: QueryOptions,
  ): Promise<{ readonly bytes: Buffer; readonly rows: number | undefined }>
  /**
   * Runs a statement that deletes or updates rows, on the tables of every shard and replica.
   * Resolves once queries no longer return the old rows.
   */
  changeRows(sql: string, params: QueryParams, options?: QueryOptions): Promise<void>
  /** Called by the inserter. */
  attachWriter?(writer: StoreWriter): void
  /** Undefined until the inserter starts. */
  writer?(): StoreWriter | undefined
  /** Of the embedded engine only. @param version of Spanlink */
  backup?(version: string): Promise<Backup>
  /** False if the table `logs` is known to be empty: saves a statement. @default true */
  hasLogs?(): boolean
  info(): Promise<StoreInfo>
  /** Parts whose rows are missing from results, as far as known. */
  missingParts(): readonly MissingPart[]
  /** Rows of `trace_rows` that queries could not decode. */
  readonly damagedRows: DamagedRows
  /** Lets running inserts finish, then stops an embedded engine. Idempotent. */
  close(): Promise<void>
}

/** A backup that is being read. */
export type Backup = {
  /** A tar: docs/operations.md#backup-and-restore. */
  readonly archive: Readable
  /** Size of the files in it. */
  readonly bytes: number
}

/** What deletes and backups need of the inserter. */
export type StoreWriter = {
  /**
   * Resolves once the rows acknowledged before the call are stored, in quarantine or damaged.
   *
   * @throws the signal's reason
   */
  flush(signal: AbortSignal): Promise<void>
  /**
   * Runs `act` between two inserted segments. Rows acknowledged before the call are in tables, or
   * in these files of the journal; later ones may be, too.
   */
  pause<T>(act: (journalFiles: readonly string[]) => Promise<T>): Promise<T>
}

export type QueryParams = Readonly<Record<string, string | number | boolean | readonly (string | number)[]>>

export type QueryOptions = {
  /** Cancels the query in ClickHouse too. */
  readonly signal?: AbortSignal
  /** @default 10_000 */
  readonly timeoutMs?: number
}

export type StoreInfo = {
  readonly version: string
  readonly restarts: number
  readonly spans: number
  readonly links: number
  readonly traces: number
  readonly bytesOnDisk: number
  /** Parts of tables that ClickHouse can't read. */
  readonly corruptParts: CorruptParts
}

export type CorruptParts = {
  readonly count: number
  readonly bytes: number
  /** Tables with corrupt parts. */
  readonly tables: string[]
  readonly lost: readonly MissingPart[]
}

/** `day` (`20261129`) is the arrival day of unreadable rows; '' if the part's name lacks it. */
export type MissingPart = { readonly table: string; readonly day: string }

export type Retention = {
  /**
   * How long data is kept after its arrival. Whole days are dropped: up to a day longer. @default
   * for ever
   */
  readonly keepSeconds?: Readonly<Partial<Record<Signal, number>>>
  /** Above this size of the tables, the oldest days are dropped, but never the newest. */
  readonly maxBytes?: number
}

export type StoreOptions = {
  readonly retention?: Retention
  /** Memory limit of the embedded engine, without its code of about 220 MiB. @default 1 GiB */
  readonly engineBytes?: number
  /** Embedded inserts and merges return once their parts are on disk. @default false */
  readonly fsync?: boolean | undefined
  /** Called with one line for operators. */
  readonly log?: Log
}
