import process from 'node:process'
import { scheduleGc } from '../../runtime/gc-scheduler.ts'
import { restartWithV8Flags } from '../../runtime/v8-flags.ts'
import { defineCommand, type Output } from '../command.ts'
import { createLogger } from '../serve/logger.ts'
import { describeRetention } from '../serve/retention-limits.ts'
import { serveFlags, type ServeOptions, toServeOptions } from '../serve/serve-options.ts'
import type { SpanlinkServer } from '../serve/serve.ts'
import { describeError, startExitCode } from '../serve/start-error.ts'
import { version } from '../version.ts'

// Rows that a drain leaves are inserted at the next start, so the process always ends within 5 s.
const DRAIN_TIMEOUT_MS = 3000
const EXIT_TIMEOUT_MS = 4500

export const serveCommand = defineCommand({
  summary: 'runs the server (default command)',
  description: 'Receives, stores and shows telemetry until SIGTERM or Ctrl-C.',
  usage: ['[serve] [options]'],
  exitCodes:
    '0 stopped, 2 invalid arguments, 5 to 9 not started, 1 failed\n(https://github.com/spanlink/spanlink/blob/main/docs/cli.md#exit-codes)',
  flags: serveFlags,
  run: async (flags, _positionals, out) => await runServer(toServeOptions(flags, process.env), out),
})

async function runServer(options: ServeOptions, out: Output): Promise<number> {
  restartWithV8Flags()
  // Tables and journal hold telemetry: for the owner only, also in an existing directory.
  process.umask(0o077)
  const stopSignal = waitForStopSignal()
  const { logFormat = 'text', logLevel = 'info' } = options
  const log = createLogger(logFormat, logLevel, (text) => process.stderr.write(text))
  let server: SpanlinkServer
  try {
    // Loaded here: client commands need none of it.
    const { serve } = await import('../serve/serve.ts')
    server = await serve(options, log)
  } catch (error) {
    const exitCode = startExitCode(error)
    log(`${logFormat === 'text' ? 'spanlink: ' : ''}${describeError(error)}`, { level: 'error', exitCode })
    return exitCode
  }
  const { url, otlpHttpUrl, otlpGrpcUrl, dataDir } = server
  const retention = describeRetention(server.retention)
  if (logFormat === 'text') {
    out.line(`Spanlink is ready on ${url}`)
    out.line(`OTLP/HTTP on ${otlpHttpUrl}, OTLP/gRPC on ${otlpGrpcUrl}, data in ${dataDir}`)
    out.line(retention)
  } else log('Spanlink is ready.', { url, otlpHttpUrl, otlpGrpcUrl, dataDir, retention, version })
  scheduleGc(server.memory)
  await stopSignal
  setTimeout(() => process.exit(0), EXIT_TIMEOUT_MS).unref()
  await server.close(DRAIN_TIMEOUT_MS)
  return 0
}

/** Resolves with the first signal; the second one ends the process. */
async function waitForStopSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    let count = 0
    const onSignal = (): void => {
      count += 1
      if (count > 1) process.exit(1)
      resolve()
    }
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal).on('SIGHUP', onSignal)
  })
}
