import { isUtf8 } from 'node:buffer'
import { safely } from '../diagnostics.ts'
import { decodeHeader } from './header-shapes.ts'
import type { ResolvedOptions } from '../../options.ts'

/** Formats the key as `kafka.message.key`; undefined if disabled, too long or not text. */
export function formatKey(key: unknown, topic: string, option: ResolvedOptions['messageKey']): string | undefined {
  if (key === null || key === undefined || option === false) return undefined
  if (option === true) return toCanonicalText(key)
  let formatted: unknown
  safely('format a message key', () => (formatted = option(key, topic)))
  return typeof formatted === 'string' ? toCanonicalText(formatted) : undefined
}

// Invalid UTF-8 in a string field fails a whole OTLP export.
function toCanonicalText(key: unknown): string | undefined {
  if (typeof key === 'string') return key.length <= MAX_KEY_LENGTH && key.isWellFormed() ? key : undefined
  if (typeof key === 'number' || typeof key === 'bigint') return String(key)
  if (!(key instanceof Uint8Array) || key.length > MAX_KEY_LENGTH || !isUtf8(key)) return undefined
  return decodeHeader(key)
}

const MAX_KEY_LENGTH = 1024
