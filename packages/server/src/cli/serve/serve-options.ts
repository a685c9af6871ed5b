import { parseArgs } from 'node:util'
import { kafkaFlags, type KafkaOptions, parseKafkaOptions } from './kafka-options.ts'
import { type LogFormat, logFormats } from './log-lines.ts'
import { UsageError } from '../usage-error.ts'

export type ServeOptions = {
  /** Where everything is kept. @default '.spanlink' in the working directory */
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
  /** Senders have to say it, as `Authorization: Bearer <token>`. @default everybody may send */
  readonly otlpToken?: string
  /** PEM files of the receivers' certificate, with its chain, and key. @default plain text */
  readonly otlpTls?: { readonly certFile: string; readonly keyFile: string }
  /** Origins whose pages may send over HTTP; `*` is all. @default none */
  readonly corsOrigins?: readonly string[]
  /** Takes OTLP requests from Kafka too. @default it doesn't */
  readonly kafka?: KafkaOptions
  /**
   * How long data is kept after it arrived, in seconds; Infinity is for ever. @default 7 days, with
   * `store` for ever
   */
  readonly retentionSeconds?: number
  /**
   * The oldest days go when the tables are larger than this many bytes. @default 20 GB, with
   * `store` Infinity
   */
  readonly maxDiskBytes?: number
  /** What receiver and engine may take together, in bytes of RSS. @default 1 GiB */
  readonly memoryBytes?: number
  /** Of the lines on stderr. @default 'text' */
  readonly logFormat?: LogFormat
  /** Acknowledge only what a power failure cannot take back. @default false */
  readonly fsync?: boolean
  /** Traces of this server about itself, as service `spanlink`. @default false */
  readonly selfTraces?: boolean
}

export { UsageError }

/** @throws UsageError */
export function parseServeOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ServeOptions {
  const values = parse(args)
  return {
    dataDir: values.data ?? env['SPANLINK_DATA'],
    store: values.store,
    host: values.host,
    port: port('--port', values.port),
    otlpHttpPort: port('--otlp-http-port', values['otlp-http-port']),
    otlpGrpcPort: port('--otlp-grpc-port', values['otlp-grpc-port']),
    otlpToken: values['otlp-token'] ?? env['SPANLINK_OTLP_TOKEN'],
    otlpTls: tlsOf(values['otlp-tls-cert'], values['otlp-tls-key']),
    corsOrigins: values['cors-origins']?.split(',').map((origin) => origin.trim()),
    kafka: parseKafkaOptions(values, env),
    retentionSeconds: limit('--retention', values.retention, SECONDS, '7d, 12h, 30m or none'),
    maxDiskBytes: limit('--max-disk', values['max-disk'], BYTES, '20GB, 500MB or none'),
    memoryBytes: memory(values.memory ?? env['SPANLINK_MEMORY']),
    logFormat: logFormat(values['log-format'] ?? env['SPANLINK_LOG_FORMAT']),
    fsync: values.fsync,
    selfTraces: values['self-traces'],
  }
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }
const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

function parse(args: readonly string[]): Partial<Record<TextFlag, string>> & Partial<Record<Switch, boolean>> {
  try {
    return parseArgs({ args: [...args], options: flags, strict: true, allowPositionals: false }).values
  } catch (error) {
    // Node's message names the flag and goes on with advice on positionals, which serve has none
    // of.
    throw new UsageError(`${(error as Error).message.split(/\.\s/)[0]?.replace(/\.$/, '')}.`)
  }
}

const text = { type: 'string' } as const
const flags = {
  data: text,
  store: text,
  host: text,
  port: text,
  'otlp-http-port': text,
  'otlp-grpc-port': text,
  'otlp-token': text,
  'otlp-tls-cert': text,
  'otlp-tls-key': text,
  'cors-origins': text,
  ...kafkaFlags,
  retention: text,
  'max-disk': text,
  memory: text,
  'log-format': text,
  fsync: { type: 'boolean' },
  'self-traces': { type: 'boolean' },
} as const

type Switch = 'fsync' | 'self-traces' | 'kafka-tls'

type TextFlag = Exclude<keyof typeof flags, Switch>

function port(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const number = /^[0-9]{1,5}$/.test(value) ? Number(value) : Number.NaN
  if (!(number <= 65_535)) throw new UsageError(`${flag} ${value} is not a port (0 to 65535).`)
  return number
}

function tlsOf(certFile: string | undefined, keyFile: string | undefined): ServeOptions['otlpTls'] {
  if (certFile === undefined && keyFile === undefined) return undefined
  if (certFile === undefined || keyFile === undefined) {
    throw new UsageError('--otlp-tls-cert and --otlp-tls-key go together.')
  }
  return { certFile, keyFile }
}

/** Below it the engine can't merge, and the receiver not hold a request of the largest size. */
const LEAST_MEMORY = 640 * 2 ** 20

function memory(value: string | undefined): number | undefined {
  const bytes = measure('--memory', value, BYTES, '1GiB or 2GB')
  if (bytes !== undefined && bytes < LEAST_MEMORY) {
    throw new UsageError(`--memory ${value} is too little: 640MiB is the least.`)
  }
  return bytes
}

function logFormat(value: string | undefined): LogFormat | undefined {
  if (value === undefined) return undefined
  const format = logFormats.find((one) => one === value)
  if (format === undefined)
    throw new UsageError(`--log-format ${value} is none. There are ${logFormats.join(' and ')}.`)
  return format
}

/** As `measure`, and `none` is Infinity. */
function limit(...[flag, value, units, examples]: Parameters<typeof measure>): number | undefined {
  return value === 'none' ? Number.POSITIVE_INFINITY : measure(flag, value, units, examples)
}

function measure(
  flag: string,
  value: string | undefined,
  units: Readonly<Record<string, number>>,
  examples: string,
): number | undefined {
  if (value === undefined) return undefined
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)$/i.exec(value)
  const unit = units[match?.[2]?.toLowerCase() ?? '']
  const amount = Number(match?.[1]) * (unit ?? Number.NaN)
  if (!(amount > 0) || !Number.isFinite(amount))
    throw new UsageError(`${flag} ${value} is none. It looks like ${examples}.`)
  return amount
}
