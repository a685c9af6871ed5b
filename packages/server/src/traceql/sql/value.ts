import type { Attribute, Field, Intrinsic, Literal } from '../syntax/ast.ts'
import { intrinsics } from '../syntax/intrinsics.ts'
import { compileExists, compileTypedValues } from './attribute-lookup.ts'
import { type AttributeLookup, NO_SPAN_SQL, type Row } from './row.ts'

/** A field as SQL: one nullable expression for each type that it may have. */
export type Value = {
  readonly string?: string
  readonly number?: string
  readonly boolean?: string
  readonly status?: string
  readonly kind?: string
  /** Never null. */
  readonly exists: string
}

/** Of everything but conditions, which are no operand of arithmetic: see `compileValue`. */
export function compileOperand(field: Field, row: Row): Value {
  switch (field.kind) {
    case 'literal':
      return compileLiteral(field, row)
    case 'attribute':
      return compileAttribute(field, row)
    case 'intrinsic':
      return compileIntrinsic(field, row)
    case 'unary':
      return field.op === '!' ? { exists: '1' } : toNumberValue(`-(${compileNumber(field.operand, row)})`)
    case 'binary':
      return compileArithmetic(field, row)
  }
}

const arithmeticFunctions: Readonly<Record<string, string>> = {
  '+': 'plus',
  '-': 'minus',
  '*': 'multiply',
  '/': 'divide',
  '%': 'modulo',
  '^': 'pow',
}

function compileArithmetic(field: Field & { kind: 'binary' }, row: Row): Value {
  const fn = arithmeticFunctions[field.op]
  if (fn === undefined) return { exists: '1' }
  return toNumberValue(
    `${fn}(toFloat64(${compileNumber(field.left, row)}), toFloat64(${compileNumber(field.right, row)}))`,
  )
}

function compileNumber(field: Field, row: Row): string {
  return compileOperand(field, row).number ?? 'null'
}

function toNumberValue(sql: string): Value {
  return { number: sql, exists: `isNotNull(${sql})` }
}

function compileLiteral(literal: Literal, { params }: Row): Value {
  switch (literal.type) {
    case 'nil':
      return { exists: '0' }
    case 'boolean':
      return { boolean: params.add('Bool', literal.value), exists: '1' }
    case 'string':
    case 'status':
    case 'kind':
      return { [literal.type]: params.add('String', literal.value), exists: '1' }
    default:
      return { number: params.add('Float64', literal.value), exists: '1' }
  }
}

/** The scopes that may hold an attribute, in order of precedence. */
export function resolveLookups(attribute: Attribute, row: Row): readonly [AttributeLookup, ...AttributeLookup[]] {
  const key = row.params.add('String', attribute.key)
  const span: AttributeLookup = { map: `${row.span}.attrs`, types: `${row.span}.attr_types`, key }
  const resource = { map: `${row.source}.resource_attrs`, types: `${row.source}.resource_attr_types`, key }
  switch (attribute.scope) {
    case 'any':
      return [span, resource]
    case 'span':
      return [span]
    case 'resource':
      return [resource]
    case 'instrumentation':
      return [{ map: `${row.source}.scope_attrs`, types: `${row.source}.scope_attr_types`, key }]
    case 'event':
      return [{ map: `tupleElement(e, 'attrs')`, types: `tupleElement(e, 'attr_types')`, key }]
    case 'link':
      return [{ map: `tupleElement(l, 'attrs')`, types: `tupleElement(l, 'attr_types')`, key }]
  }
}

function compileAttribute(attribute: Attribute, row: Row): Value {
  const [first, second] = resolveLookups(attribute, row)
  const own = compileTypedValues(first)
  if (!second) return { ...own, exists: compileExists(first) }
  const other = compileTypedValues(second)
  return {
    string: `if(${compileExists(first)}, ${own.string}, ${other.string})`,
    number: `if(${compileExists(first)}, ${own.number}, ${other.number})`,
    boolean: `if(${compileExists(first)}, ${own.boolean}, ${other.boolean})`,
    exists: `(${compileExists(first)} or ${compileExists(second)})`,
  }
}

function compileIntrinsic({ name }: Intrinsic, row: Row): Value {
  const { span, source } = row
  const type = intrinsics[name].type
  const column = {
    'span:name': 'name',
    'span:status': 'status',
    'span:statusMessage': 'status_message',
    'span:kind': 'kind',
    'span:duration': 'duration',
  }[name as string]
  if (column !== undefined) return { [type === 'duration' ? 'number' : type]: `${span}.${column}`, exists: '1' }
  const sql =
    {
      'span:id': `lower(hex(${span}.span_id))`,
      'span:parentID': `if(${span}.parent_span_id = ${NO_SPAN_SQL}, null, lower(hex(${span}.parent_span_id)))`,
      'trace:id': `lower(hex(${span}.trace_id))`,
      'event:name': `tupleElement(e, 'name')`,
      'event:timeSinceStart': `toInt64(tupleElement(e, 'time')) - toInt64(${span}.start)`,
      'link:traceID': `lower(hex(tupleElement(l, 'trace_id')))`,
      'link:spanID': `lower(hex(tupleElement(l, 'span_id')))`,
      'instrumentation:name': `${source}.scope_name`,
      'instrumentation:version': `${source}.scope_version`,
      // Only distinguishes roots from other spans (required-columns.ts).
      nestedSetParent: `if(${span}.parent_span_id = ${NO_SPAN_SQL}, -1, 1)`,
      // Others are of the whole trace.
    }[name as string] ?? 'null'
  return { [type === 'duration' ? 'number' : type]: sql, exists: `isNotNull(${sql})` }
}
