import type { AnyValue } from '@spanlink/api-schema'

/** OTLP's short name for the type of a value. */
export function getAttributeType(value: AnyValue): string {
  if (value.stringValue !== undefined) return 'string'
  if (value.boolValue !== undefined) return 'bool'
  if (value.intValue !== undefined) return 'int'
  if (value.doubleValue !== undefined) return 'double'
  if (value.bytesValue !== undefined) return 'bytes'
  if (value.arrayValue !== undefined) return 'array'
  if (value.kvlistValue !== undefined) return 'kvlist'
  return 'empty'
}

/** A value as text: strings bare at the top level and quoted inside, bytes in base64. */
export function formatAttribute(value: AnyValue): string {
  return value.stringValue ?? nestedText(value)
}

function nestedText(value: AnyValue): string {
  if (value.stringValue !== undefined) return JSON.stringify(value.stringValue)
  if (value.boolValue !== undefined) return String(value.boolValue)
  if (value.intValue !== undefined) return String(value.intValue)
  if (value.doubleValue !== undefined) return String(value.doubleValue)
  if (value.bytesValue !== undefined) return value.bytesValue
  if (value.arrayValue !== undefined) return `[${(value.arrayValue.values ?? []).map(nestedText).join(', ')}]`
  if (value.kvlistValue !== undefined) {
    const members = (value.kvlistValue.values ?? []).map(
      ({ key, value }) => `${JSON.stringify(key)}: ${nestedText(value)}`,
    )
    return `{${members.join(', ')}}`
  }
  return ''
}
