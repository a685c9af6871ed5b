import type { Log } from '../../log.ts'
import type { Client } from '../client.ts'
import { StoreError } from '../store-error.ts'
import type { CorruptParts, MissingPart } from '../store.ts'

/** ClickHouse errors contain the path of the part that was being read. */
const PART_PATH = /\/store\/[0-9a-f]{3}\/([0-9a-f-]{36})\/([0-9]{8}_[0-9_]+|all_[0-9_]+)\//

/** Detached for other reasons, or kept by a replica although others have the part. */
const HARMLESS_REASONS = ['ignored', 'clone', 'attaching', 'deleting', 'covered-by-broken', 'cloned', 'tmp-fetch']

/**
 * Detaches unreadable parts of an embedded engine's tables, so that queries that don't need them
 * succeed.
 */
export class CorruptPartGuard {
  readonly #log: Log
  /** Pending checks by part; each resolves to whether the part was detached. */
  readonly #checks = new Map<string, Promise<boolean>>()
  #lost: readonly MissingPart[] = []

  constructor(log: Log) {
    this.#log = log
  }

  /** Logs the parts that ClickHouse detached at its start, which it doesn't report. */
  async report(client: Client): Promise<void> {
    const { count, bytes, tables, lost } = await countCorruptParts(client)
    this.#lost = lost
    if (count === 0) return
    this.#log(
      `${count} parts (${bytes} bytes) of the tables ${tables.join(', ')} can't be read: ClickHouse detached them into the ` +
        "tables' directories detached/. Their rows are missing in responses; see " +
        'https://github.com/spanlink/spanlink/blob/main/docs/operations.md#corrupt-parts-of-tables',
      { level: 'error' },
    )
  }

  /** Parts detached so far. */
  lost(): readonly MissingPart[] {
    return this.#lost
  }

  /** Runs a query, and repeats it as long as a part that makes it fail can be detached. */
  async run<T>(client: Client, query: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await query()
      } catch (error) {
        if (!(await this.#detach(client, error))) throw error
      }
    }
  }

  async #detach(client: Client, error: unknown): Promise<boolean> {
    if (!(error instanceof StoreError) || (error.code !== 'refused' && error.code !== 'bad-rows')) return false
    const [, uuid, part] = PART_PATH.exec(error.message) ?? []
    if (uuid === undefined || part === undefined) return false
    const known = this.#checks.get(part + uuid)
    if (known !== undefined) return await known
    const check = this.#check(client, uuid, part, error).finally(() => this.#checks.delete(part + uuid))
    this.#checks.set(part + uuid, check)
    return await check
  }

  /**
   * An error may be transient (memory, bus): only parts that a second check finds corrupt are
   * detached.
   */
  async #check(client: Client, uuid: string, part: string, error: StoreError): Promise<boolean> {
    try {
      const [table] = await client.query<{ name: string }>(
        'select name from system.tables where database = currentDatabase() and uuid = {uuid:UUID}',
        { uuid },
      )
      if (table === undefined) return false
      if (await client.isPartReadable(table.name, part)) return false
      await client.command(`alter table ${table.name} detach part '${part}'`)
      this.#lost = [...this.#lost, { table: table.name, day: parsePartDay(part) }]
      this.#log(
        `Part ${part} of the table ${table.name} is corrupt and was detached; its rows are missing in responses. ` +
          `ClickHouse: ${error.message.slice(0, MAX_MESSAGE_LENGTH)}`,
        { level: 'error' },
      )
      return true
    } catch (failure) {
      this.#log(`Part ${part} is corrupt and could not be detached: ${(failure as Error).message}`, { level: 'error' })
      return false
    }
  }
}

const MAX_MESSAGE_LENGTH = 300

const MAX_LOST_PARTS = 10_000

/** Partitions are days of arrival: `20261129_1_7_2`, also behind `broken-on-start_`, `patch-…-`. */
function parsePartDay(part: string): string {
  return /(?:^|[_-])([0-9]{8})_[0-9]+_[0-9]+/.exec(part)?.[1] ?? ''
}

/** The database with the local tables of a cluster's nodes. */
export type Shards = { readonly cluster: string; readonly database: string }

/** SQL: a part that marks rows of other parts as deleted. Its partition is theirs with a prefix. */
export const isPatch = "startsWith(partition_id, 'patch-')"

/** SQL: the parts of all tables, in `from`. */
export function selectParts(list: 'parts' | 'detached_parts', shards: Shards | undefined): string {
  return shards === undefined
    ? `system.${list} where database = currentDatabase()`
    : `cluster('${shards.cluster}', system.${list}) where database = '${shards.database}'`
}

/** @param isOwn true if only Spanlink detaches parts here, so that each is unreadable */
export async function countCorruptParts(client: Client, shards?: Shards, isOwn = true): Promise<CorruptParts> {
  const [row] = await client.query<{ count: string; bytes: string; tables: string[]; parts: [string, string][] }>(
    `select count() as count, sum(bytes_on_disk) as bytes, arraySort(groupUniqArray(table)) as tables,
      groupUniqArray(${MAX_LOST_PARTS})((table, name)) as parts
    from ${selectParts('detached_parts', shards)}
      and not has({harmless:Array(String)}, ifNull(reason, '')) and ({isOwn:Bool} or ifNull(reason, '') != '')`,
    { harmless: HARMLESS_REASONS, isOwn },
  )
  return {
    count: Number(row?.count ?? 0),
    bytes: Number(row?.bytes ?? 0),
    tables: row?.tables ?? [],
    lost: (row?.parts ?? []).map(([table, name]) => ({ table, day: parsePartDay(name) })),
  }
}
