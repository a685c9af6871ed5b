import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { findEngineLibrary } from '../../src/clickhouse/engine/engine-library.ts'

export type ClickHouseNode = {
  readonly httpPort: number
  /** Sends SIGKILL, like the loss of a machine. */
  kill(): Promise<void>
  /**
   * On the same ports and data. A statement may take `statementBytes` of memory. @default no limit
   */
  start(statementBytes?: number): Promise<void>
  query<Row>(sql: string): Promise<Row[]>
  /** Exit code or signal with the end of the log, unless ended by `kill`. */
  unexpectedExit(): Promise<string | undefined>
}

export type TwoNodes = {
  readonly nodes: readonly [ClickHouseNode, ClickHouseNode]
  /** A `--store` URL with both nodes. */
  storeUrl(database: string): string
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Two ClickHouse servers of one shard each, in a cluster named `both`; the engine library is the
 * whole of ClickHouse but Keeper.
 */
export async function startTwoNodes(): Promise<TwoNodes> {
  const dir = await mkdtemp(join(tmpdir(), 'spanlink-nodes-'))
  const ports = await freePorts(4)
  const [http1, tcp1, http2, tcp2] = ports as [number, number, number, number]
  const tcpPorts = [tcp1, tcp2]
  const nodes = [
    clickHouseNode(join(dir, 'one'), http1, tcp1, tcpPorts),
    clickHouseNode(join(dir, 'two'), http2, tcp2, tcpPorts),
  ] as const
  const dispose = async (): Promise<void> => {
    const exits = await Promise.all(nodes.map((node) => node.unexpectedExit()))
    await Promise.all(nodes.map((node) => node.kill()))
    await rm(dir, { recursive: true, force: true })
    const failures = exits.filter((exit) => exit !== undefined)
    if (failures.length > 0) throw new Error(`a node exited unexpectedly: ${failures.join('\n')}`)
  }
  try {
    await Promise.all(nodes.map((node) => node.start()))
  } catch (error) {
    await dispose()
    throw error
  }
  return {
    nodes,
    storeUrl: (database) =>
      `clickhouse://${USER}:${PASSWORD}@127.0.0.1:${http1},127.0.0.1:${http2}/${database}?cluster=both`,
    [Symbol.asyncDispose]: dispose,
  }
}

const USER = 'admin'
const PASSWORD = 'two nodes'

function clickHouseNode(dir: string, httpPort: number, tcpPort: number, tcpPorts: readonly number[]): ClickHouseNode {
  mkdirSync(dir, { recursive: true })
  const configFile = join(dir, 'config.xml')
  writeFileSync(configFile, config(dir, httpPort, tcpPort, tcpPorts))
  const logFile = join(dir, 'node.log')
  let child: ChildProcess | undefined
  let isKilled = false
  const query = async <Row>(sql: string): Promise<Row[]> => {
    const client = createClient({
      url: `http://127.0.0.1:${httpPort}`,
      username: USER,
      password: PASSWORD,
      log: { level: ClickHouseLogLevel.OFF },
    })
    try {
      const response = await client.query({ query: sql, format: 'JSONEachRow' })
      return await response.json<Row>()
    } finally {
      await client.close()
    }
  }
  const listenTcp = async (): Promise<void> => {
    const client = createClient({
      url: `http://127.0.0.1:${httpPort}`,
      username: USER,
      password: PASSWORD,
      log: { level: ClickHouseLogLevel.OFF },
    })
    try {
      for (;;) {
        if ((await client.ping({ select: true })).success) break
        if (child?.exitCode !== null || child.signalCode !== null) throw new Error('a node did not start')
        await sleep(30)
      }
      await client.command({ query: 'system start listen tcp' })
    } finally {
      await client.close()
    }
  }
  return {
    httpPort,
    query,
    start: async (statementBytes) => {
      writeFileSync(join(dir, 'users.xml'), users(statementBytes))
      const entry = fileURLToPath(new URL('../../src/clickhouse/engine/engine-child.ts', import.meta.url))
      const log = openSync(logFile, 'a')
      child = spawn(process.execPath, [entry, findEngineLibrary(), configFile], {
        cwd: dir,
        stdio: ['ignore', log, log, 'ipc'],
        env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC' },
      })
      closeSync(log)
      isKilled = false
      await listenTcp()
    },
    kill: async () => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const exited = new Promise((resolve) => child?.once('exit', resolve))
      isKilled = true
      child.kill('SIGKILL')
      await exited
    },
    unexpectedExit: async () => {
      if (isKilled || child === undefined || (child.exitCode === null && child.signalCode === null)) return undefined
      const logTail = (await readFile(logFile, 'utf8')).slice(-4000)
      return `${child.signalCode ?? `exit ${child.exitCode}`}\n${logTail}`
    },
  }
}

function config(dir: string, httpPort: number, tcpPort: number, tcpPorts: readonly number[]): string {
  const shards = tcpPorts.map(
    (port) =>
      `<shard><internal_replication>true</internal_replication><replica><host>127.0.0.1</host><port>${port}</port>` +
      `<user>${USER}</user><password>${PASSWORD}</password></replica></shard>`,
  )
  return `<clickhouse>
    <path>${dir}/clickhouse/</path>
    <users_config>${dir}/users.xml</users_config>
    <listen_host>127.0.0.1</listen_host>
    <http_port>${httpPort}</http_port>
    <tcp_port>${tcpPort}</tcp_port>
    <max_server_memory_usage>1073741824</max_server_memory_usage>
    <mark_cache_size>33554432</mark_cache_size>
    <background_pool_size>2</background_pool_size>
    <remote_servers><both>${shards.join('')}</both></remote_servers>
  </clickhouse>`
}

// The engine's own endless query runs as `default`.
const users = (statementBytes: number | undefined): string => `<clickhouse>
  <profiles>
    <default></default>
    <${USER}>${statementBytes === undefined ? '' : `<max_memory_usage>${statementBytes}</max_memory_usage>`}</${USER}>
  </profiles>
  <quotas><default></default></quotas>
  <users>
    <default>
      <password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>
      <grants><query>GRANT SYSTEM LISTEN ON *.*</query><query>GRANT SELECT ON system.numbers</query></grants>
    </default>
    <${USER}>
      <password>${PASSWORD}</password><networks><ip>127.0.0.1</ip></networks><profile>${USER}</profile><quota>default</quota>
      <grants><query>GRANT ALL ON *.*</query></grants>
    </${USER}>
  </users>
</clickhouse>`

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject).listen(0, '127.0.0.1', () => {
            const address = server.address()
            resolve(typeof address === 'object' && address !== null ? address.port : 0)
          })
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
