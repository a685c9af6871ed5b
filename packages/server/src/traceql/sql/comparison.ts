import {
  type Attribute,
  type Field,
  type FieldOp,
  type Intrinsic,
  type Literal,
  type Scope,
  scalarOps,
} from '../syntax/ast.ts'
import { type IntrinsicName, intrinsics } from '../syntax/intrinsics.ts'
import { selectLogEventRows } from './log-events.ts'
import { anchorPattern, toSingleCondition, compareLookup, compileExists } from './attribute-lookup.ts'
import { getRequiredColumns } from './required-columns.ts'
import type { AttributeLookup, Row } from './row.ts'
import { compileOperand, resolveLookups, type Value } from './value.ts'

export type Comparison = Field & { kind: 'binary' }

/** `compileValue` of condition.ts, passed in: a side of a comparison may be a condition. */
type CompileValue = (field: Field, row: Row) => Value

const comparisonOps: ReadonlySet<FieldOp> = new Set([...scalarOps, '=~', '!~'])

export function isComparison(field: Field): field is Comparison {
  return field.kind === 'binary' && comparisonOps.has(field.op)
}

/** Whether an operator makes the value a boolean. */
export function isBoolean(field: Field): boolean {
  if (field.kind === 'unary') return field.op === '!'
  return field.kind === 'binary' && (field.op === '&&' || field.op === '||' || isComparison(field))
}

/**
 * Compiles one comparison to SQL, never null. A comparison of events or links holds when it holds
 * for one of the span's; `= nil` holds when none has the field.
 */
export function compileComparison(comparison: Comparison, row: Row, compileValue: CompileValue): string {
  const { left, right } = comparison
  const flipped = left.kind === 'literal' && right.kind !== 'literal'
  const [a, b, op] = flipped ? [right, left, mirrorOperator(comparison.op)] : [left, right, comparison.op]
  const needs = getRequiredColumns({ ...comparison, left: a, right: b })
  if (!needs.has('events') && !needs.has('links')) return compare(a, op, b, row, compileValue)
  const absent = b.kind === 'literal' && b.type === 'nil' && op === '='
  const one = compare(a, absent ? '!=' : op, b, row, compileValue)
  const some = needs.has('events')
    ? compileEventComparison(needsOnlyEvent(a, b), one, row)
    : compileLinkComparison(a, op, b, one, row)
  return absent ? `not ${some}` : some
}

/**
 * Whether a comparison reads only the event, so that it also applies to a row of `logs`.
 */
export function needsOnlyEvent(left: Field, right: Field): boolean {
  const [field, other] = left.kind === 'literal' ? [right, left] : [left, right]
  if (other.kind !== 'literal') return false
  return field.kind === 'attribute' || (field.kind === 'intrinsic' && field.name === 'event:name')
}

/** Matches spans with a matching event, sent with the span or as a log record. */
function compileEventComparison(isAlone: boolean, one: string, { span, logEvents }: Row): string {
  if (logEvents && 'joined' in logEvents) {
    return `arrayExists(e -> ${one}, arrayConcat(${span}.events, ${logEvents.joined}))`
  }
  const own = `arrayExists(e -> ${one}, ${span}.events)`
  if (!isAlone || logEvents === undefined) return own
  const logs = `select trace_id, span_id from (${selectLogEventRows(logEvents.where)}) where ${one} ${UNION_NULL_IDS}`
  return `(${own} or (${span}.trace_id, ${span}.span_id) in (${logs}))`
}

/** Matches spans with any event sent as a log record. */
export function compileHasLogEvent({ span }: Row, where: string): string {
  return `(${span}.trace_id, ${span}.span_id) in (select trace_id, span_id from logs where event_name != '' and ${where} ${UNION_NULL_IDS})`
}

function compare(left: Field, op: FieldOp, right: Field, row: Row, compileValue: CompileValue): string {
  if (right.kind === 'literal') {
    if (left.kind === 'attribute') return compareAttribute(left, op, right, row)
    if (left.kind === 'intrinsic') return compareIntrinsic(left, op, right, row)
  }
  return compareValues(compileValue(left, row), op, compileValue(right, row))
}

function compareAttribute(attribute: Attribute, op: FieldOp, literal: Literal, row: Row): string {
  const target = attribute.parent && row.parent ? row.parent : row
  const [first] = resolveLookups(attribute, row)
  const compareEntry = (entry: AttributeLookup): string => compareLookup(entry, op, literal, row.params)
  const inSource = (scope: Scope, compile: (entry: AttributeLookup) => string): string =>
    compileSourceCondition(target, (source) =>
      compile(resolveLookups({ ...attribute, scope, parent: false }, { ...target, source })[0]),
    )
  if (attribute.scope === 'any') {
    const own = compareEntry(first)
    const resource = inSource('resource', compareEntry)
    if (literal.type === 'nil' && op === '=') return `(${own} and ${resource})`
    // Keys are checked first and alone: see attribute-lookup.ts.
    const known = inSource('resource', compileExists)
    const found = toSingleCondition(`${own} or (not ${compileExists(first)} and ${resource})`)
    return `((${compileExists(first)} or ${known}) and ${found})`
  }
  if (attribute.scope === 'resource')
    return compareService(attribute, op, literal, target) ?? inSource('resource', compareEntry)
  return attribute.scope === 'instrumentation' ? inSource(attribute.scope, compareEntry) : compareEntry(first)
}

/**
 * `service.name` has a column on the span. An empty and a missing one are both '' there, so they
 * use the attribute.
 */
function compareService(attribute: Attribute, op: FieldOp, literal: Literal, row: Row): string | undefined {
  if (attribute.key !== 'service.name' || literal.type !== 'string' || literal.value === '') return undefined
  const column = `${row.span}.service`
  if (op === '=') return `${column} = ${row.params.add('String', literal.value)}`
  if (op === '=~')
    return `(${column} != '' and match(${column}, ${row.params.add('String', anchorPattern(literal.value))}))`
  return undefined
}

/** Applies a condition to the joined source, or to the ids of matching sources. */
function compileSourceCondition(row: Row, condition: (source: string) => string): string {
  return row.source === undefined ? filterBySources(row, condition('src')) : condition(row.source)
}

/** `condition` is on rows of `sources`, alias `src`. See `UNION_NULL_IDS` for the 0. */
export function filterBySources(row: Row, condition: string): string {
  return `${row.span}.source_id in (select source_id from sources as src where ${condition} union all select toUInt64(0))`
}

function compareIntrinsic(intrinsic: Intrinsic, op: FieldOp, literal: Literal, row: Row): string {
  const { params, span } = row
  if (intrinsics[intrinsic.name].home === 'scope' && row.source === undefined) {
    return compileSourceCondition(row, (source) => compareIntrinsic(intrinsic, op, literal, { ...row, source }))
  }
  const value = isId(intrinsic) && literal.type === 'string' && isEquality(op) ? toLowerCaseLiteral(literal) : literal
  const bytes = idColumns[intrinsic.name]
  if (bytes !== undefined && value.type === 'string' && isEquality(op)) {
    // Ids compare as stored bytes, so that the sort key and its index apply.
    const [column, length] = bytes
    const id = intrinsic.name === 'trace:id' ? padTraceId(value.value) : value.value
    if (id.length !== 2 * length || !/^[0-9a-f]*$/.test(id)) return op === '=' ? '0' : '1'
    return `${span}.${column} ${op} toFixedString(unhex(${params.add('String', id)}), ${length})`
  }
  return compareValues(
    compileOperand(intrinsic, row),
    op,
    compileOperand({ kind: 'literal', ...value, from: 0, to: 0 }, row),
  )
}

const idColumns: Partial<Record<IntrinsicName, readonly [column: string, length: number]>> = {
  'trace:id': ['trace_id', 16],
  'span:id': ['span_id', 8],
}

function isId({ name }: Intrinsic): boolean {
  return name.endsWith('ID') || name.endsWith(':id')
}

/** A 64-bit trace id is a 128-bit one with leading zeros. */
function padTraceId(hex: string): string {
  return hex === '' ? hex : hex.padStart(32, '0')
}

function isEquality(op: FieldOp): boolean {
  return op === '=' || op === '!='
}

function toLowerCaseLiteral(literal: Literal & { type: 'string' }): Literal & { type: 'string' } {
  return { ...literal, value: literal.value.toLowerCase() }
}

/** Compares values of equal type; values of different types never match. */
function compareValues(left: Value, op: FieldOp, right: Value): string {
  if (isNil(left) && isNil(right)) return '0'
  if (isNil(right)) return op === '=' ? `not ${left.exists}` : left.exists
  if (isNil(left)) return op === '=' ? `not ${right.exists}` : right.exists
  const parts: string[] = []
  for (const type of ['string', 'number', 'boolean', 'status', 'kind'] as const) {
    const [a, b] = [left[type], right[type]]
    if (a !== undefined && b !== undefined) parts.push(compareTyped(type, a, op, b))
  }
  return parts.length === 0 ? '0' : `(${parts.join(' or ')})`
}

function compareTyped(type: string, left: string, op: FieldOp, right: string): string {
  if (op === '=~' || op === '!~') {
    // `check` allows only a literal on the right, so the parameter can be anchored here.
    if (type !== 'string') return '0'
    return `ifNull(${op === '!~' ? 'not ' : ''}match(${left}, concat('^(?-s:', ${right}, ')$')), 0)`
  }
  return `ifNull(${left} ${op} ${right}, 0)`
}

function isNil(value: Value): boolean {
  return value.exists === '0'
}

/**
 * Matches spans with a matching link. Each link has a second row under its target's trace id, so a
 * search by target reads one granule. Other conditions read the links of all candidate spans.
 */
function compileLinkComparison(left: Field, op: FieldOp, right: Field, one: string, row: Row): string {
  const target =
    left.kind === 'intrinsic' &&
    left.name === 'link:traceID' &&
    op === '=' &&
    right.kind === 'literal' &&
    right.type === 'string'
  if (target) {
    const hex = padTraceId(right.value)
    if (!/^[0-9a-fA-F]{32}$/.test(hex)) return '0'
    const id = `toFixedString(unhex(${row.params.add('String', hex)}), 16)`
    return `(${row.span}.trace_id, ${row.span}.span_id) in (select peer_trace_id, peer_span_id from span_links where trace_id = ${id} and direction = 'in' ${UNION_NULL_IDS})`
  }
  return `(${row.span}.trace_id, ${row.span}.span_id) in (select l.trace_id, l.span_id from span_links as l where l.direction = 'out' and ${row.linksWhere} and ${one} ${UNION_NULL_IDS})`
}

// ClickHouse 26.7 folds `in` over an empty set to a constant and then fails with "non constant in
// source stream but must be constant in result". This row, which no span matches, prevents that.
const UNION_NULL_IDS = `union all select toFixedString('', 16), toFixedString('', 8)`

function mirrorOperator(op: FieldOp): FieldOp {
  const mirror: Partial<Record<FieldOp, FieldOp>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' }
  return mirror[op] ?? op
}
