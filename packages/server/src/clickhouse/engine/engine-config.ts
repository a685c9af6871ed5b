import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Access } from '../client.ts'

export type EngineSettings = {
  /** Limit of ClickHouse's allocations. @default 1 GiB */
  readonly memoryBytes?: number | undefined
  /** Inserts and merges return once their parts are on disk. @default false */
  readonly fsync?: boolean | undefined
}

export type EngineFiles = { readonly configFile: string; readonly workingDir: string; readonly access: Access }

/**
 * Writes the engine's configuration, readable by its owner only, with a new password at each start.
 *
 * clickhouse-local runs its endless query as user `default` without a password, so this user must
 * exist and be allowed from loopback. Its grants cover only that query, and HTTP returns 404 unless
 * the client sends a header that is as secret as the password.
 */
export function writeEngineConfig(dataDir: string, port: number, options: EngineSettings = {}): EngineFiles {
  const { memoryBytes = 1024 * MiB, fsync = false } = options
  const workingDir = join(dataDir, 'engine')
  const password = randomBytes(24).toString('hex')
  const key = randomBytes(24).toString('hex')
  const configFile = join(workingDir, 'engine.xml')
  const usersFile = join(workingDir, 'users.xml')
  mkdirSync(workingDir, { recursive: true, mode: 0o700 })
  writePrivateXml(configFile, createServerConfig({ dataDir, port, usersFile, key, memoryBytes, fsync }))
  writePrivateXml(usersFile, createUsersConfig(password, memoryBytes))
  return {
    configFile,
    workingDir,
    access: {
      url: `http://127.0.0.1:${port}`,
      username: 'spanlink',
      password,
      // With a separate memory limit, which leaves memory for inserts.
      reader: { username: 'spanlink_reader', password },
      headers: { 'x-spanlink-engine': key },
    },
  }
}

type Xml = string | number | { readonly [element: string]: Xml | readonly Xml[] }

const MiB = 1024 * 1024

/**
 * ClickHouse rejects statements far below the server limit, which also counts merges, caches and
 * connections: a connection that gets no memory between two requests ends the process (26.7: an
 * uncaught exception in HTTPServerConnection). That was seen with shares of 1.15 and 1.3. What
 * statements, merges and caches may use together is less than 2.
 */
const STATEMENTS_SHARE = 0.8
const SERVER_SHARE = 2

/** Memory of running merges above which none is started. */
const MERGES_SHARE = 0.3

/** Limit of each query and of all queries together; leaves memory for inserts. */
const QUERIES_SHARE = 0.55

function takeShare(bytes: number, part: number): number {
  return Math.floor(bytes * part)
}

type ServerConfig = Required<EngineSettings> & {
  readonly dataDir: string
  readonly port: number
  readonly usersFile: string
  readonly key: string
}

function createServerConfig({ dataDir, port, usersFile, key, memoryBytes, fsync }: ServerConfig): Xml {
  return {
    path: `${join(dataDir, 'clickhouse')}/`,
    users_config: usersFile,
    listen_host: '127.0.0.1',
    http_port: port,
    http_handlers: {
      rule: {
        headers: { 'X-Spanlink-Engine': key },
        handler: { type: 'dynamic_query_handler', query_param_name: 'query' },
      },
    },
    // Fatal errors go to engine.log.
    logger: { level: 'fatal', console_log_level: 'fatal', console: 1 },
    keep_alive_timeout: 30,
    // The defaults take 90 % of the machine and gigabytes of caches.
    max_server_memory_usage: takeShare(memoryBytes, SERVER_SHARE),
    merges_mutations_memory_usage_soft_limit: takeShare(memoryBytes, MERGES_SHARE),
    mark_cache_size: takeShare(memoryBytes, 1 / 16),
    primary_index_cache_size: takeShare(memoryBytes, 1 / 16),
    index_mark_cache_size: takeShare(memoryBytes, 1 / 32),
    uncompressed_cache_size: 0,
    compiled_expression_cache_size: 8 * MiB,
    mmap_cache_size: 0,
    query_cache: { max_size_in_bytes: 0 },
    background_pool_size: 2,
    background_schedule_pool_size: 4,
    max_concurrent_queries: 100,
    max_concurrent_select_queries: 60,
    merge_tree: {
      // A merged part takes 17 KB of memory until its files are removed. With the default of 480 s,
      // such parts left no memory for inserts after crashes. Linux writes dirty pages within 35 s.
      old_parts_lifetime: 60,
      cleanup_delay_period: 2,
      cleanup_delay_period_random_add: 0,
      max_cleanup_delay_period: 10,
      ...(fsync ? { fsync_after_insert: 1, fsync_part_directory: 1, min_rows_to_fsync_after_merge: 1 } : {}),
      max_bytes_to_merge_at_max_space_in_pool: 20 * 1024 * MiB,
      // Unreadable parts are detached and reported; a table that fails to load would stop
      // everything.
      max_suspicious_broken_parts: 1_000_000,
      max_suspicious_broken_parts_bytes: 2 ** 50,
    },
  }
}

function createUsersConfig(password: string, memoryBytes: number): Xml {
  const limits = {
    max_memory_usage: takeShare(memoryBytes, 0.74),
    max_memory_usage_for_user: takeShare(memoryBytes, STATEMENTS_SHARE),
    max_bytes_before_external_sort: takeShare(memoryBytes, 0.2),
    max_bytes_before_external_group_by: takeShare(memoryBytes, 0.2),
    // By default, ClickHouse 26.7 starts one thread per GiB of free memory. With a limit of 1 GiB,
    // every query ran in a single thread.
    max_threads_min_free_memory_per_thread: takeShare(memoryBytes, 1 / 16),
    log_queries: 0,
  }
  const user = {
    password_sha256_hex: createHash('sha256').update(password).digest('hex'),
    networks: { ip: '127.0.0.1' },
    quota: 'default',
  }
  return {
    profiles: {
      default: {},
      spanlink: limits,
      spanlink_reader: {
        ...limits,
        max_memory_usage: takeShare(memoryBytes, QUERIES_SHARE),
        max_memory_usage_for_user: takeShare(memoryBytes, QUERIES_SHARE),
        // At the server's memory limit, ClickHouse stops a query and no insert.
        memory_overcommit_ratio_denominator: MiB,
      },
    },
    quotas: { default: {} },
    users: {
      default: {
        password: '',
        networks: { ip: '127.0.0.1' },
        profile: 'default',
        quota: 'default',
        grants: { query: ['GRANT SYSTEM LISTEN ON *.*', 'GRANT SELECT ON system.numbers'] },
      },
      spanlink: {
        ...user,
        profile: 'spanlink',
        // No files, URLs or other servers: an injected statement can't reach outside the tables.
        grants: {
          query: [
            'GRANT ALL ON spanlink.*',
            'GRANT SELECT ON system.*',
            'GRANT TABLE ENGINE ON *',
            'GRANT KILL QUERY ON *.*',
          ],
        },
      },
      spanlink_reader: {
        ...user,
        profile: 'spanlink_reader',
        grants: { query: ['GRANT SELECT ON spanlink.*', 'GRANT SELECT ON system.*'] },
      },
    },
  }
}

function writePrivateXml(file: string, content: Xml): void {
  // `mode` applies only to a new file; each start rewrites the same file.
  writeFileSync(file, `<clickhouse>${toXml(content)}</clickhouse>\n`, { mode: 0o600 })
}

function toXml(value: Xml): string {
  if (typeof value !== 'object') return String(value).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
  return Object.entries(value)
    .flatMap(([element, inner]) => (Array.isArray(inner) ? inner : [inner]).map((one: Xml) => [element, one] as const))
    .map(([element, inner]) => `<${element}>${toXml(inner)}</${element}>`)
    .join('')
}
