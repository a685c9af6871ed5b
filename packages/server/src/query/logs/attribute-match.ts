import type { QueryParams } from '../../clickhouse/store.ts'

/** Column names of an attribute map and its type codes (otlp/attributes.ts). */
export type AttributeColumns = { readonly map: string; readonly types: string }

/** Maximum number of nested keys per name: each one more reads another map. */
const MAX_NESTING = 5

/**
 * Compiles a condition for an attribute with this name and, if given, this value, over any columns
 * that hold attributes. A list matches by each of its elements. `a.b` is the key itself, or `b` in
 * the map `a`, as log viewers write nested keys.
 *
 * @param text `key=value`, split at the first `=`, or `key` alone
 * @param name prefix of the parameter names
 */
export function matchAttribute(
  text: string,
  name: string,
): { readonly sql: (columns: AttributeColumns) => string; readonly params: QueryParams } {
  const equals = text.indexOf('=')
  const key = equals < 0 ? text : text.slice(0, equals)
  const params: Record<string, string> = {}
  const add = (suffix: string, value: string): string => {
    params[name + suffix] = value
    return `{${name}${suffix}:String}`
  }
  const value = equals < 0 ? undefined : add('Value', text.slice(equals + 1))
  const splits = splitKey(key).map(([outer, ...inner], index) => ({
    outer: add(`Outer${index}`, outer),
    inner: inner.map((part, at) => add(`Inner${index}x${at}`, part)),
  }))
  const whole = add('Key', key)
  const sql = ({ map, types }: AttributeColumns): string => {
    const letter = (of: string): string => `substring(${types}, indexOf(mapKeys(${map}), ${of}), 1)`
    const elements = value && `(${letter(whole)} = 'a' and ${hasElement(`${map}[${whole}]`, value)})`
    const own = value && `and (${map}[${whole}] = ${value} or ${elements})`
    const nested = splits.map(({ outer, inner }) => {
      const found = inner.reduce(selectMapValue, `${map}[${outer}]`)
      const matches =
        value === undefined ? `${found} != ''` : `(${isValue(found, value)} or ${hasElement(found, value)})`
      return `(mapContains(${map}, ${outer}) and ${letter(outer)} = 'k' and ${matches})`
    })
    return `(${[`(mapContains(${map}, ${whole}) ${own ?? ''})`, ...nested].join(' or ')})`
  }
  return { sql, params }
}

/**
 * Lists every way to read a name as nested keys: `a.b.c` as `b.c` in `a` and as `c` in `a.b`, with
 * inner keys split further.
 */
function splitKey(key: string): (readonly [string, ...string[]])[] {
  const parts = key.split('.')
  if (parts.length < 2 || parts.length > MAX_NESTING || parts.includes('')) return []
  const ways: (readonly [string, ...string[]])[] = []
  for (let cuts = 1; cuts < 2 ** (parts.length - 1); cuts++) {
    const keys: [string, ...string[]] = [parts[0] ?? '']
    for (const [index, part] of parts.slice(1).entries()) {
      if ((cuts & (1 << index)) !== 0) keys.push(part)
      else keys[keys.length - 1] += `.${part}`
    }
    ways.push(keys)
  }
  return ways
}

// AnyValue as OTLP/JSON, the stored text of lists and maps.

function selectMapValue(anyValue: string, key: string): string {
  const entry = `arrayFirst(e -> JSONExtractString(e, 'key') = ${key}, JSONExtractArrayRaw(${anyValue}, 'kvlistValue', 'values'))`
  return `JSONExtractRaw(${entry}, 'value')`
}

function hasElement(anyValue: string, value: string): string {
  return `arrayExists(x -> ${isValue('x', value)}, JSONExtractArrayRaw(${anyValue}, 'arrayValue', 'values'))`
}

function isValue(anyValue: string, value: string): string {
  const isString = `(JSONHas(${anyValue}, 'stringValue') and JSONExtractString(${anyValue}, 'stringValue') = ${value})`
  const others = `[JSONExtractString(${anyValue}, 'intValue'), JSONExtractRaw(${anyValue}, 'doubleValue'), JSONExtractRaw(${anyValue}, 'boolValue')]`
  return `(${isString} or (${value} != '' and has(${others}, ${value})))`
}
