import { type FlagTable, type FlagValues, parseFlags, UsageError } from '../args.ts'
import {
  choiceParser,
  diskSizeParser,
  listParser,
  memoryParser,
  portParser,
  retentionParser,
  type RetentionSeconds,
  textParser,
} from '../parsers.ts'
import { kafkaFlags, type KafkaOptions, toKafkaOptions } from './kafka-options.ts'
import { type LogFormat, logFormats, type LogLevel, logLevels } from './logger.ts'

export type ServeOptions = {
  /** Data directory. @default '.spanlink' in the working directory */
  readonly dataDir?: string
  /**
   * A ClickHouse server instead of the embedded engine:
   * `clickhouse://user:password@host:8123/database`.
   */
  readonly store?: string
  /** @default '127.0.0.1' */
  readonly host?: string
  /** Pages and API; 0 takes any free port. @default 4319 */
  readonly port?: number
  /** OTLP over HTTP; 0 takes any free port. @default 4318 */
  readonly otlpHttpPort?: number
  /** OTLP over gRPC; 0 takes any free port. @default 4317 */
  readonly otlpGrpcPort?: number
  /** Bearer token that the receivers require. @default no authentication */
  readonly otlpToken?: string
  /** PEM files of the receivers' certificate, with its chain, and key. @default plain text */
  readonly otlpTls?: { readonly certFile: string; readonly keyFile: string }
  /** Origins whose pages may send OTLP over HTTP; `*` allows all. @default none */
  readonly corsOrigins?: readonly string[]
  /** Receives OTLP requests from Kafka too. @default no */
  readonly kafka?: KafkaOptions
  /**
   * How long data is kept after its arrival, in seconds, of all signals or per signal; Infinity
   * keeps it for ever. @default 7 days, with `store` Infinity
   */
  readonly retentionSeconds?: RetentionSeconds
  /**
   * Drops the oldest days when the tables are larger, in bytes. @default 20 GB, with `store`
   * Infinity
   */
  readonly maxDiskBytes?: number
  /** Limit for receivers and engine together, in bytes of RSS. @default 1 GiB */
  readonly memoryBytes?: number
  /** Format of the log on stderr. @default 'text' */
  readonly logFormat?: LogFormat
  /** The lowest level that is logged. @default 'info' */
  readonly logLevel?: LogLevel
  /** Acknowledges only what survives a power failure. @default false */
  readonly fsync?: boolean
  /** Stores traces of this server as service `spanlink`. @default false */
  readonly selfTraces?: boolean
}

const anyFreePort = '0 takes any free port'

export const serveFlags = {
  data: { value: 'DIR', env: 'SPANLINK_DATA', default: '.spanlink', description: 'data directory' },
  store: {
    value: 'URL',
    env: 'SPANLINK_STORE',
    default: 'embedded ClickHouse',
    description: 'ClickHouse server: clickhouse://user:password@host:8123/database',
  },
  host: { value: 'HOST', default: '127.0.0.1', description: 'address to listen on' },
  port: {
    value: 'PORT',
    parser: portParser,
    default: '4319',
    description: `port of the UI and the HTTP API; ${anyFreePort}`,
  },
  'otlp-http-port': {
    value: 'PORT',
    parser: portParser,
    default: '4318',
    description: `port of OTLP over HTTP; ${anyFreePort}`,
  },
  'otlp-grpc-port': {
    value: 'PORT',
    parser: portParser,
    default: '4317',
    description: `port of OTLP over gRPC; ${anyFreePort}`,
  },
  'otlp-token': {
    value: 'TOKEN',
    parser: textParser,
    env: 'SPANLINK_OTLP_TOKEN',
    description: 'bearer token that clients must send; without it, no authentication',
  },
  'otlp-tls-cert': { value: 'FILE', description: 'certificate chain of the receivers, PEM; turns TLS on' },
  'otlp-tls-key': { value: 'FILE', description: 'private key of that certificate, PEM' },
  'otlp-cors-origins': {
    value: 'LIST',
    parser: listParser,
    description: 'origins whose pages may send OTLP over HTTP, separated by commas; * allows all',
  },
  ...kafkaFlags,
  retention: {
    value: 'DURATION',
    parser: retentionParser,
    default: '7d; unlimited with --store',
    description:
      'delete data older than this (1m or more), by UTC day of arrival; per signal: traces=7d,logs=3d,metrics=30d',
  },
  'max-disk': {
    value: 'SIZE',
    parser: diskSizeParser,
    default: '20GB; unlimited with --store',
    description: 'delete the oldest days of arrival while the tables are larger than this',
  },
  'max-memory': {
    value: 'SIZE',
    parser: memoryParser,
    env: 'SPANLINK_MAX_MEMORY',
    default: '1GiB',
    description: 'memory limit of the server and the embedded ClickHouse together',
  },
  'log-format': {
    value: 'FORMAT',
    parser: choiceParser(logFormats),
    env: 'SPANLINK_LOG_FORMAT',
    default: 'text',
    description: 'format of the log on stderr: text or json',
  },
  'log-level': {
    value: 'LEVEL',
    parser: choiceParser(logLevels),
    env: 'SPANLINK_LOG_LEVEL',
    default: 'info',
    description:
      'lowest level that is logged: debug, info, warn or error; debug adds segments, inserts and slow queries',
  },
  fsync: { description: 'acknowledge only what survives a power failure' },
  'self-tracing': { description: "store traces of this server's own work, as service spanlink" },
} as const satisfies FlagTable

/** @throws UsageError */
export function parseServeOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ServeOptions {
  return toServeOptions(parseFlags(args, serveFlags, env).flags, env)
}

/** @throws UsageError */
export function toServeOptions(
  flags: FlagValues<typeof serveFlags>,
  env: Readonly<Record<string, string | undefined>>,
): ServeOptions {
  const { 'otlp-tls-cert': certFile, 'otlp-tls-key': keyFile } = flags
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new UsageError('--otlp-tls-cert and --otlp-tls-key require each other')
  }
  return {
    dataDir: flags.data,
    store: flags.store,
    host: flags.host,
    port: flags.port,
    otlpHttpPort: flags['otlp-http-port'],
    otlpGrpcPort: flags['otlp-grpc-port'],
    otlpToken: flags['otlp-token'],
    otlpTls: certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile },
    corsOrigins: flags['otlp-cors-origins'],
    kafka: toKafkaOptions(flags, env),
    retentionSeconds: flags.retention,
    maxDiskBytes: flags['max-disk'],
    memoryBytes: flags['max-memory'],
    logFormat: flags['log-format'],
    logLevel: flags['log-level'],
    fsync: flags.fsync,
    selfTraces: flags['self-tracing'],
  }
}
