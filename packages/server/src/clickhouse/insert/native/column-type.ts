import {
  createArrayColumn,
  type Column,
  createFixedColumn,
  createLowCardinalityColumn,
  createSkippedBytes,
  createSkippedString,
  createStringColumn,
  createTupleColumn,
} from './column.ts'

const WIDTHS: Readonly<Record<string, number>> = {
  UInt8: 1,
  Int8: 1,
  Bool: 1,
  Enum8: 1,
  UInt16: 2,
  Int16: 2,
  Enum16: 2,
  UInt32: 4,
  Int32: 4,
  Float32: 4,
  DateTime: 4,
  UInt64: 8,
  Int64: 8,
  Float64: 8,
  DateTime64: 8,
}

/**
 * Creates a column for values of a type in rows; undefined for unknown types.
 *
 * @param tableType of `system.columns`; elements of a named tuple that it lacks are skipped
 */
export function createColumn(type: string, tableType = type): Column | undefined {
  const { name, inner } = parseType(type)
  const width = getWidth(type)
  if (width !== undefined) return createFixedColumn(width)
  if (name === 'String') return createStringColumn()
  if (name === 'LowCardinality') return inner === 'String' ? createLowCardinalityColumn() : undefined
  // Stored like its value type; the first element is the function.
  if (name === 'SimpleAggregateFunction') return createColumn(splitElements(inner).slice(1).join(', '))
  if (name !== 'Tuple' && name !== 'Array' && name !== 'Map') return undefined
  const tableElements = splitElements(parseType(tableType).inner).map(parseElement)
  const elements = splitElements(inner).map((text, index) => {
    const element = parseElement(text)
    const found = tableElements.find((each, at) => (element.name === '' ? at === index : each.name === element.name))
    return found === undefined ? createSkippedField(element.type) : createColumn(element.type, found.type)
  })
  const columns = elements.filter((element) => element !== undefined)
  const [first, second] = columns
  if (columns.length < elements.length || first === undefined) return undefined
  if (name === 'Tuple') return createTupleColumn(columns)
  if (name === 'Array') return createArrayColumn(first)
  return second === undefined ? undefined : createArrayColumn(createTupleColumn([first, second]))
}

/** Creates what skips a value of fixed width or a string; undefined for other types. */
export function createSkippedField(type: string): Column | undefined {
  const width = getWidth(type)
  if (width !== undefined) return createSkippedBytes(width)
  return type === 'String' || type === 'LowCardinality(String)' ? createSkippedString() : undefined
}

/** Bytes of a value; undefined for types without a fixed width. */
function getWidth(type: string): number | undefined {
  const { name, inner } = parseType(type)
  return name === 'FixedString' ? Number(inner) : WIDTHS[name]
}

function parseType(type: string): { readonly name: string; readonly inner: string } {
  const open = type.indexOf('(')
  return open < 0 ? { name: type, inner: '' } : { name: type.slice(0, open), inner: type.slice(open + 1, -1) }
}

/** Splits at commas outside of brackets and quotes. */
function splitElements(text: string): string[] {
  const elements: string[] = []
  let depth = 0
  let quoted = false
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (quoted) {
      if (char === '\\') i++
      else if (char === "'") quoted = false
    } else if (char === "'") quoted = true
    else if (char === '(') depth++
    else if (char === ')') depth--
    else if (char === ',' && depth === 0) {
      elements.push(text.slice(from, i).trim())
      from = i + 1
    }
  }
  elements.push(text.slice(from).trim())
  return elements
}

/** An element of a named tuple is `name Type`; others have the name ''. */
function parseElement(element: string): { readonly name: string; readonly type: string } {
  const name = /^[A-Za-z_][A-Za-z0-9_]* /.exec(element)?.[0] ?? ''
  return { name: name.trimEnd(), type: element.slice(name.length) }
}
