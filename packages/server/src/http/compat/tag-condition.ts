import { quoteName } from '../../traceql/syntax/describe.ts'

/**
 * Converts `key=value` of APIs with string values only to TraceQL. Matches the string, and also the
 * number or boolean that it looks like.
 */
function tagCondition(field: string, value: string): string {
  const text = JSON.stringify(value)
  const isTyped = /^-?[0-9]{1,18}(\.[0-9]{1,18})?$/.test(value) || value === 'true' || value === 'false'
  return isTyped ? `(${field} = ${text} || ${field} = ${value})` : `${field} = ${text}`
}

/** Builds a condition on an attribute in any of these scopes; '' is the span or its resource. */
export function attributeCondition(scopes: readonly string[], key: string, value: string): string {
  const conditions = scopes.map((scope) => tagCondition(`${scope}.${quoteName(key)}`, value))
  return conditions.length === 1 ? (conditions[0] ?? '') : `(${conditions.join(' || ')})`
}
