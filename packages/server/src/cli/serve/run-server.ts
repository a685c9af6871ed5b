import process from 'node:process'
import { scheduleGc } from '../../runtime/gc-scheduler.ts'
import { restartWithV8Flags } from '../../runtime/v8-flags.ts'
import type { Output } from '../command.ts'
import { version } from '../version.ts'
import { createLogger } from './logger.ts'
import { describeRetention } from './retention-limits.ts'
import type { ServeOptions } from './serve-options.ts'
import type { SpanlinkServer } from './serve.ts'
import { describeError, startExitCode } from './start-error.ts'

// Rows that a drain leaves are inserted at the next start, so the process always ends within 5 s.
const DRAIN_TIMEOUT_MS = 3000
const EXIT_TIMEOUT_MS = 4500

/** Works beside a running server, until `stopped` is aborted. */
export type Companion = (server: SpanlinkServer, stopped: AbortSignal) => Promise<void>

/**
 * Runs a server in this process until SIGTERM or Ctrl-C. An error of the companion ends it too.
 *
 * @param getOptions is called in the process that serves, after its restart with V8's flags
 * @returns the exit code
 */
export async function runServer(
  getOptions: () => ServeOptions | Promise<ServeOptions>,
  out: Output,
  companion?: Companion,
): Promise<number> {
  restartWithV8Flags()
  // Tables and journal hold telemetry: for the owner only, also in an existing directory.
  process.umask(0o077)
  const stopped = abortAtStopSignal()
  const options = await getOptions()
  const { logFormat = 'text', logLevel = 'info' } = options
  const log = createLogger(logFormat, logLevel, (text) => process.stderr.write(text))
  let server: SpanlinkServer
  try {
    // Loaded here: client commands need none of it.
    const { serve } = await import('./serve.ts')
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
  try {
    await companion?.(server, stopped)
    if (!stopped.aborted) await new Promise((resolve) => stopped.addEventListener('abort', resolve))
    return 0
  } finally {
    setTimeout(() => process.exit(), EXIT_TIMEOUT_MS).unref()
    await server.close(DRAIN_TIMEOUT_MS)
  }
}

/** Aborts with the first signal; the second one ends the process. */
function abortAtStopSignal(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(1)
      controller.abort()
    })
  }
  return controller.signal
}
