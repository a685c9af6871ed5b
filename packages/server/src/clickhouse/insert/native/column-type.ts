import {
  createArrayColumn,
  type Column,
  createFixedColumn,
  createLowCardinalityColumn,
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

/** Creates a column for a type of `system.columns`; undefined for unknown types. */
export function createColumn(type: string): Column | undefined {
  const open = type.indexOf('(')
  const name = open < 0 ? type : type.slice(0, open)
  const inner = open < 0 ? '' : type.slice(open + 1, -1)
  const width = WIDTHS[name]
  if (width !== undefined) return createFixedColumn(width)
  if (name === 'FixedString') return createFixedColumn(Number(inner))
  if (name === 'String') return createStringColumn()
  if (name === 'LowCardinality') return inner === 'String' ? createLowCardinalityColumn() : undefined
  // Stored like its value type; the first element is the function.
  if (name === 'SimpleAggregateFunction') return createColumn(splitElements(inner).slice(1).join(', '))
  if (name !== 'Tuple' && name !== 'Array' && name !== 'Map') return undefined
  const elements = splitElements(inner).map((each) => createColumn(name === 'Tuple' ? removeName(each) : each))
  const columns = elements.filter((element) => element !== undefined)
  const [first, second] = columns
  if (columns.length < elements.length || first === undefined) return undefined
  if (name === 'Tuple') return createTupleColumn(columns)
  if (name === 'Array') return createArrayColumn(first)
  return second === undefined ? undefined : createArrayColumn(createTupleColumn([first, second]))
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

/** An element of a named tuple is `name Type`. */
function removeName(element: string): string {
  const name = /^[A-Za-z_][A-Za-z0-9_]* /.exec(element)?.[0] ?? ''
  return element.slice(name.length)
}
