import { diag } from '@opentelemetry/api'

const logger = diag.createComponentLogger({ namespace: '@spanlink/kafka' })
const warned = new Set<string>()

/** Warns once per process and message. */
export function warnOnce(message: string): void {
  if (warned.has(message)) return
  warned.add(message)
  logger.warn(message)
}

/** Reports a failure of telemetry, which must never become a failure of the application. */
export function reportFailure(doing: string, error: unknown): void {
  try {
    logger.error(`failed to ${doing}; the application is not affected`, error)
  } catch {
    // A logger that throws is nowhere to be reported.
  }
}

/**
 * Runs a step of telemetry whose failure is reported and otherwise ignored; that of a promise it
 * returns, too.
 */
export function safely(doing: string, step: () => unknown): void {
  try {
    const result = step()
    // A hook of the application may be async: nobody else waits for it, and Node ends the process
    // for an unhandled rejection.
    if (result instanceof Promise) result.catch((error: unknown) => reportFailure(doing, error))
  } catch (error) {
    reportFailure(doing, error)
  }
}
