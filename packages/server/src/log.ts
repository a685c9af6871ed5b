/** Fields of a log record. */
export type LogFields = {
  /** @default 'info' */
  readonly level?: 'debug' | 'info' | 'warn' | 'error'
  readonly [field: string]: string | number | undefined
}

/** Logs an event for operators; `serve` decides on format, level and destination. */
export type Log = (message: string, fields?: LogFields) => void

/**
 * Returns a log that writes at once, then one line per interval at most. A line after omitted ones
 * ends with their number, itself included.
 *
 * @param now in milliseconds; must not go back
 */
export function limitLog(log: Log, intervalMs = 10_000, now: () => number = () => performance.now()): Log {
  let loggedAt = -Infinity
  let omitted = 0
  return (message, fields) => {
    const elapsedMs = now() - loggedAt
    if (elapsedMs < intervalMs) {
      omitted++
      return
    }
    const count = omitted === 0 ? '' : ` (${omitted + 1} times in ${Math.round(elapsedMs / 1000)} s)`
    loggedAt = now()
    omitted = 0
    log(message + count, fields)
  }
}
