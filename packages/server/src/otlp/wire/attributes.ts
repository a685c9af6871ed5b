import type { AnyValue, KeyValue } from '@spanlink/api-schema'

/**
 * Decodes the attributes of a row to OTLP KeyValues, with their original order and types.
 *
 * `spans.attr_types` has one type code per attribute.
 *
 * | letter | AnyValue    | text                                              |
 * |--------|-------------|---------------------------------------------------|
 * | s      | stringValue | itself                                            |
 * | b      | boolValue   | `true`, `false`                                   |
 * | i      | intValue    | decimal                                           |
 * | d      | doubleValue | shortest that reads back, NaN, Infinity, -Infinity |
 * | x      | bytesValue  | base64                                            |
 * | a      | arrayValue  | OTLP/JSON of the AnyValue                         |
 * | k      | kvlistValue | OTLP/JSON of the AnyValue                         |
 * | n      | none is set | empty                                             |
 *
 * @param pairs the map as `arrayZip(mapKeys(attrs), mapValues(attrs))`: a JSON object loses the
 *   order (JavaScript moves keys like `"7"` to the front) and mismatch the type codes
 * @param types the row's `attr_types`: a type code per pair, or '' when all are strings
 */
export function decodeAttributes(pairs: readonly (readonly [string, string])[], types: string): KeyValue[] {
  return pairs.map(([key, text], index) => ({ key, value: decodeValue(text, types[index] ?? 's') }))
}

function decodeValue(text: string, letter: string): AnyValue {
  switch (letter) {
    case 'b':
      return { boolValue: text === 'true' }
    case 'i':
      return { intValue: text }
    case 'd':
      return { doubleValue: text === 'NaN' || text.endsWith('Infinity') ? text : Number(text) }
    case 'x':
      return { bytesValue: text }
    case 'a':
    case 'k':
      return parseAnyValue(text)
    case 'n':
      return {}
    default:
      return { stringValue: text }
  }
}

/**
 * Spanlink writes valid JSON. A manually altered row is shown as text instead of failing the trace.
 */
function parseAnyValue(text: string): AnyValue {
  try {
    return JSON.parse(text) as AnyValue
  } catch {
    return { stringValue: text }
  }
}
