import { isUtf8 } from 'node:buffer'
import { safely } from '../diagnostics.ts'
import { decodeHeader } from './header-shapes.ts'
import type { ResolvedOptions } from '../../options.ts'

/**
 * The key as `kafka.message.key`, or undefined where it has no canonical text, is too long, or is
 * not wanted.
 */
export function formatKey(key: unknown, topic: string, option: ResolvedOptions['messageKey']): string | undefined {
  if (key === null || key === undefined || option === 'off') return undefined
  if (option === 'on') return toCanonicalText(key)
  let formatted: unknown
  safely('format a message key', () => (formatted = option(key, topic)))
  return typeof formatted === 'string' ? toCanonicalText(formatted) : undefined
}

// One key that isn't UTF-8 fails a whole OTLP export batch (string fields must be valid), so such
// keys are left out.
function toCanonicalText(key: unknown): string | undefined {
  if (typeof key === 'string') return key.length <= MAX_KEY_LENGTH && key.isWellFormed() ? key : undefined
  if (typeof key === 'number' || typeof key === 'bigint') return String(key)
  if (!(key instanceof Uint8Array) || key.length > MAX_KEY_LENGTH || !isUtf8(key)) return undefined
  return decodeHeader(key)
}

const MAX_KEY_LENGTH = 1024
