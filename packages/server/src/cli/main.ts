#!/usr/bin/env node
import { StoreError } from '../clickhouse/store-error.ts'
import { CommandError } from './api-client.ts'
import type { Command } from './command.ts'
import { commands } from './commands/commands.ts'
import { logLines } from './serve/log-lines.ts'
import { describeRetention } from './serve/retention-limits.ts'
import { parseServeOptions, UsageError } from './serve/serve-options.ts'
import { restartWithHeapFlags } from '../runtime/v8-flags.ts'
import { settleMemory } from '../runtime/gc-scheduler.ts'
import { startExitCode } from './serve/start-error.ts'
import { version } from './version.ts'

const HELP = `Spanlink: distributed tracing for Kafka systems.

Usage: spanlink [serve] [options]
       spanlink COMMAND [arguments]

Commands that ask a running server:

${listed('server')}

Commands of their own:

${listed('nobody')}

  spanlink COMMAND --help says more. Options of serve:

  --data DIR              where everything is kept (default .spanlink, or $SPANLINK_DATA)
  --store URL             a ClickHouse server instead of the embedded engine:
                          clickhouse://user:password@host:8123/database
  --host HOST             address to listen on (default 127.0.0.1)
  --port PORT             pages and API (default 4319; 0 takes any free port, here and below)
  --otlp-http-port PORT   OTLP over HTTP (default 4318)
  --otlp-grpc-port PORT   OTLP over gRPC (default 4317)
  --otlp-token TOKEN      senders have to say it as a bearer token (or $SPANLINK_OTLP_TOKEN)
  --otlp-tls-cert FILE    receivers speak TLS with this certificate (PEM)...
  --otlp-tls-key FILE     ...and its key
  --cors-origins LIST     pages of these origins may send over HTTP, comma between; * is all
  --kafka-brokers LIST    take OTLP requests from Kafka topics too (needs the package kafkajs)
  --kafka-topics LIST     what they carry (default traces=otlp_spans; also logs=, metrics=)
  --kafka-group GROUP     consumer group (default spanlink)
  --kafka-tls             connect to Kafka with TLS; implied by the next three
  --kafka-tls-ca FILE     authorities of the brokers' certificates (PEM; default the system's)
  --kafka-tls-cert FILE   client certificate (PEM)...
  --kafka-tls-key FILE    ...and its key
  --kafka-sasl-username NAME       authenticate (or $SPANLINK_KAFKA_SASL_USERNAME), with the
                                   password in $SPANLINK_KAFKA_SASL_PASSWORD or a file
  --kafka-sasl-password-file FILE  the password
  --kafka-sasl-mechanism NAME      plain, scram-sha-256 or scram-sha-512 (default plain)
  --retention TIME        drop what arrived longer ago, by whole days: 7d, 12h, or none
                          (default 7d; with --store none)
  --max-disk SIZE         drop the oldest days when the tables are larger: 20GB, or none
                          (default 20GB; with --store none)
  --memory SIZE           what receiver and engine may take together (default 1GiB)
  --log-format FORMAT     text or json, of the lines on stderr (default text)
  --fsync                 acknowledge only what survives a power failure
  --self-traces           keep traces of this server's own work, as service spanlink
  --help, --version
`

function listed(asks: Command['asks']): string {
  return [...commands]
    .filter(([, command]) => command.asks === asks)
    .map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`)
    .join('\n')
}

// A drain takes as long as the engine needs for what is acknowledged and not yet stored; what is
// left is replayed at the next start, so that the process is always gone within five seconds.
const DRAIN_MS = 3000
const GONE_WITHIN_MS = 4500

// A reader of our lines may leave; the server stays.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})

const output = {
  line: (text: string): void => void process.stdout.write(`${text}\n`),
  note: (text: string): void => void process.stderr.write(`${text}\n`),
}

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const command = commands.get(args[0] ?? '')
  if (command !== undefined && (args.includes('--help') || args.includes('-h'))) return say(command.help)
  if (args.includes('--help') || args.includes('-h')) return say(HELP)
  if (args.includes('--version') || args.includes('-v')) return say(`${version}\n`)
  const [first = 'serve', ...rest] = args
  const isFlag = first.startsWith('-')
  try {
    if (command !== undefined) return await command.run(rest, output)
    if (first !== 'serve' && !isFlag) throw new UsageError(`There is no command ${JSON.stringify(first)}.`)
    return await runServer(parseServeOptions(isFlag ? args : rest, process.env))
  } catch (error) {
    if (error instanceof UsageError) {
      const help = command === undefined ? '' : `${first} `
      process.stderr.write(`spanlink: ${error.message} See spanlink ${help}--help.\n`)
      return 2
    }
    if (error instanceof CommandError) {
      process.stderr.write(`spanlink: ${error.message}\n`)
      return error.exitCode
    }
    process.stderr.write(`spanlink: ${messageOf(error)}\n`)
    return 1
  }
}

/** Of what we know, the line; of what we don't, where it was. */
function messageOf(error: unknown): string {
  const known = error instanceof StoreError || (error instanceof Error && error.cause !== undefined)
  return known ? (error as Error).message : error instanceof Error ? (error.stack ?? error.message) : String(error)
}

async function runServer(options: ReturnType<typeof parseServeOptions>): Promise<number> {
  restartWithHeapFlags()
  const stopAsked = new Promise<void>((resolve) => {
    let signals = 0
    const onSignal = (): void => {
      signals += 1
      if (signals > 1) process.exit(1)
      resolve()
    }
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal).on('SIGHUP', onSignal)
  })
  const { logFormat = 'text' } = options
  const log = logLines(logFormat, (text) => process.stderr.write(text))
  // Commands that ask a server need none of what it is made of.
  const { serve } = await import('./serve/serve.ts')
  let server: Awaited<ReturnType<typeof serve>>
  try {
    server = await serve(options, log)
  } catch (error) {
    const exitCode = startExitCode(error)
    log(`${logFormat === 'text' ? 'spanlink: ' : ''}${messageOf(error)}`, { level: 'error', exitCode })
    return exitCode
  }
  const { url, otlpHttpUrl, otlpGrpcUrl, dataDir } = server
  const kept = describeRetention(server.retention)
  if (logFormat === 'text') {
    say(
      `Spanlink is ready on ${url}\nOTLP/HTTP on ${otlpHttpUrl}, OTLP/gRPC on ${otlpGrpcUrl}, data in ${dataDir}\n${kept}\n`,
    )
  } else log('Spanlink is ready.', { url, otlpHttpUrl, otlpGrpcUrl, dataDir, kept, version })
  settleMemory(server.memory)
  await stopAsked
  setTimeout(() => process.exit(0), GONE_WITHIN_MS).unref()
  await server.close(DRAIN_MS)
  return 0
}

function say(text: string): number {
  process.stdout.write(text)
  return 0
}
