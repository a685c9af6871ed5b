/** Fields of a log record. */
export type LogFields = {
  /** @default 'info' */
  readonly level?: 'debug' | 'info' | 'warn' | 'error'
  readonly [field: string]: string | number | undefined
}

/** Logs an event for operators; `serve` decides on format, level and destination. */
export type Log = (message: string, fields?: LogFields) => void
