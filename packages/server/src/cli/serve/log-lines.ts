import type { Log } from '../../log.ts'

export type LogFormat = 'text' | 'json'

export const logFormats: readonly LogFormat[] = ['text', 'json']

/**
 * Lines for people, or for what collects logs: an object a line with `time` (RFC 3339), `level`,
 * `message` and, by event, fields such as `segment` or `topic`.
 *
 * @param write takes a line with its end
 */
export function logLines(format: LogFormat, write: (text: string) => void): Log {
  if (format === 'text') return (message) => write(`${message}\n`)
  return (message, { level = 'info', ...fields } = {}) => {
    write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`)
  }
}
