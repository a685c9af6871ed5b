import type { Log } from '../../log.ts'

export type LogFormat = 'text' | 'json'
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export const logFormats: readonly LogFormat[] = ['text', 'json']
/** Lowest first. */
export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/**
 * Text is the message alone. JSON is one object a line with `time` (RFC 3339), `level`, `message`
 * and fields such as `segment` or `topic`.
 *
 * @param write called with a line and its line break
 */
export function createLogger(format: LogFormat, minLevel: LogLevel, write: (text: string) => void): Log {
  return (message, { level = 'info', ...fields } = {}) => {
    if (logLevels.indexOf(level) < logLevels.indexOf(minLevel)) return
    if (format === 'text') write(`${message}\n`)
    else write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`)
  }
}
