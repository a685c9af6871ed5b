import { trace } from '@opentelemetry/api'

/** What an unreachable endpoint may delay the end of the process. */
const MAX_FLUSH_MS = 2000
const FLUSH_INTERVAL_MS = 250

/**
 * Exports what is left when the process ends by itself or by a signal. The application keeps its
 * way to end: without signal handlers it dies by the signal; with them, they decide, and spans are
 * exported every 250 ms until they are done.
 */
export function flushAtExit(shutdown: () => Promise<void>): void {
  let ending: Promise<boolean> | undefined
  const end = (): Promise<boolean> => (ending ??= isSettledWithin(shutdown(), MAX_FLUSH_MS))

  process.once('beforeExit', async () => {
    const isDone = await end()
    // Only the exporter's retries keep the process alive.
    if (!isDone) process.exit()
  })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    const onSignal = (): void => {
      process.off(signal, onSignal)
      if (process.listenerCount(signal) > 0) {
        setInterval(forceFlush, FLUSH_INTERVAL_MS).unref()
        forceFlush()
      } else void end().then(() => process.kill(process.pid, signal))
    }
    process.on(signal, onSignal)
  }
}

function forceFlush(): void {
  const provider = trace.getTracerProvider() as { getDelegate?: () => { forceFlush?: () => Promise<void> } }
  provider
    .getDelegate?.()
    .forceFlush?.()
    .catch(() => {})
}

async function isSettledWithin(work: Promise<void>, ms: number): Promise<boolean> {
  const timeout = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => timeout.resolve(false), ms)
  const done = work.then(
    () => true,
    () => true,
  )
  const isDone = await Promise.race([done, timeout.promise])
  clearTimeout(timer)
  return isDone
}
