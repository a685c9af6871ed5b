import type { AnyValue } from '@spanlink/api-schema'

export type AttributeScope = 'span' | 'resource' | 'event' | 'link' | 'instrumentation'

/** TraceQL that finds spans with this attribute; undefined for values without a TraceQL literal. */
export function attributeCondition(scope: AttributeScope, key: string, value: AnyValue): string | undefined {
  const literal = toLiteral(value)
  return literal === undefined ? undefined : `${scope}.${quoteKey(key)} = ${literal}`
}

function toLiteral(value: AnyValue): string | undefined {
  if (value.stringValue !== undefined)
    return value.stringValue.length > 1000 ? undefined : JSON.stringify(value.stringValue)
  if (value.boolValue !== undefined) return String(value.boolValue)
  if (value.intValue !== undefined) return String(value.intValue)
  if (typeof value.doubleValue === 'number') return String(value.doubleValue)
  return undefined
}

/** Quotes a key with characters that would end it. */
function quoteKey(key: string): string {
  return /^[^\s{}()=~!<>&|^,"`]+$/.test(key) ? key : JSON.stringify(key)
}
