import { InvalidParameterError } from '../../../query/sql/invalid-parameter.ts'

/**
 * Parses up to 32 hex digits, as leading zeros may be omitted, or 16 bytes in base64 (22
 * characters, and padding).
 */
export function parseTraceId(text: string): string {
  if (/^[0-9a-f]{1,32}$/i.test(text)) return text.toLowerCase().padStart(32, '0')
  const bytes = /^[A-Za-z0-9+/_-]{22}(==)?$/.test(text) ? Buffer.from(text, 'base64') : undefined
  if (bytes?.length !== 16) throw new InvalidParameterError('traceID', 'invalid traceID: expected up to 32 hex digits')
  return bytes.toString('hex')
}
