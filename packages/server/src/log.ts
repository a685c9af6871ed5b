/** What a line is about, for those who collect logs and don't read them. */
export type LogFields = {
  /** @default 'info' */
  readonly level?: 'info' | 'warn' | 'error'
  readonly [field: string]: string | number | undefined
}

/**
 * One line about something that an operator wants to know; who runs the receiver decides where it
 * goes.
 */
export type Log = (line: string, fields?: LogFields) => void
