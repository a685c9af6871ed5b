import { type FlagTable, type FlagValues, parseFlags } from '../args.ts'
import type { Redactor } from '../../otlp/redact/redactor.ts'
import {
  choiceParser,
  diskSizeParser,
  memoryParser,
  portParser,
  retentionParser,
  type RetentionSeconds,
} from '../parsers.ts'
import { accessFlags, type AccessOptions, toAccessOptions } from './access-options.ts'
import { kafkaFlags, type KafkaOptions, toKafkaOptions } from './kafka-options.ts'
import { redactParser } from './redact-parser.ts'
import { toStore } from './store-password.ts'
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
  /** @default loopback only, without authentication */
  readonly access?: AccessOptions
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
  /** Replaces attributes and texts before they are stored. @default none */
  readonly redactor?: Redactor
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
    description: 'ClickHouse server: clickhouse://user@host:8123/database',
  },
  'store-password-file': {
    value: 'FILE',
    default: '$SPANLINK_STORE_PASSWORD, the password itself',
    description: 'file that holds the password of that user',
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
  ...accessFlags,
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
  redact: {
    value: 'LIST',
    parser: redactParser,
    env: 'SPANLINK_REDACT',
    description: 'attribute names (* is a wildcard) and /patterns/ of values that are stored as [redacted]',
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
  return {
    dataDir: flags.data,
    store: toStore(flags, env),
    host: flags.host,
    port: flags.port,
    otlpHttpPort: flags['otlp-http-port'],
    otlpGrpcPort: flags['otlp-grpc-port'],
    access: toAccessOptions(flags, env),
    kafka: toKafkaOptions(flags, env),
    retentionSeconds: flags.retention,
    maxDiskBytes: flags['max-disk'],
    memoryBytes: flags['max-memory'],
    redactor: flags.redact,
    logFormat: flags['log-format'],
    logLevel: flags['log-level'],
    fsync: flags.fsync,
    selfTraces: flags['self-tracing'],
  }
}
