import type { AnyValue, KeyValue } from '@spanlink/api-schema'
import { cutText, quote } from './quote.ts'

const MAX_JSON_CHARS = 2000

/** `"http.route"="/orders"` */
export function formatAttribute({ key, value }: KeyValue, maxChars?: number): string {
  return `${quote(key, 80)}=${quote(formatValue(value), maxChars)}`
}

/** Lists, maps and bytes as JSON; '' for an empty value. Not quoted yet. */
export function formatValue(value: AnyValue): string {
  const { stringValue, boolValue, intValue, doubleValue } = value
  const plain = stringValue ?? boolValue ?? intValue ?? doubleValue
  if (plain !== undefined) return String(plain)
  return Object.keys(value).length === 0 ? '' : cutText(JSON.stringify(value), MAX_JSON_CHARS)
}
