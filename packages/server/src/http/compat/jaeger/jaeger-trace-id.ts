import { InvalidParameterError } from '../../../query/sql/invalid-parameter.ts'

/** Jaeger's readers go by these words. */
export class UnknownTraceError extends Error {
  constructor() {
    super('trace not found')
    this.name = 'UnknownTrace'
  }
}

/**
 * Up to 32 hex digits, as leading zeros may be left out; or the 16 bytes in base64, which has fewer
 * letters.
 */
export function parseTraceId(text: string): string {
  if (/^[0-9a-f]{1,32}$/i.test(text)) return text.toLowerCase().padStart(32, '0')
  const bytes = /^[A-Za-z0-9+/_-]{22}(==)?$/.test(text) ? Buffer.from(text, 'base64') : undefined
  if (bytes?.length !== 16) throw new InvalidParameterError('traceID', 'A trace id is 32 hex digits.')
  return bytes.toString('hex')
}
