import { diag } from '@opentelemetry/api'

const logger = diag.createComponentLogger({ namespace: '@spanlink/kafka' })
const warned = new Set<string>()

/** Warns once per process and message. */
export function warnOnce(message: string): void {
  if (warned.has(message)) return
  warned.add(message)
  logger.warn(message)
}

/** Reports a telemetry failure, which must not become a failure of the application. */
export function reportFailure(doing: string, error: unknown): void {
  try {
    logger.error(`failed to ${doing}; the application is not affected`, error)
  } catch {
    // There is no other way to report it.
  }
}

/** Runs a telemetry step; reports what it throws, or what its promise rejects with. */
export function safely(doing: string, step: () => unknown): void {
  try {
    const result = step()
    // Hooks may be async: an unhandled rejection would end the process.
    if (result instanceof Promise) result.catch((error: unknown) => reportFailure(doing, error))
  } catch (error) {
    reportFailure(doing, error)
  }
}
