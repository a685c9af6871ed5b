import type { Attribute, Field, FieldOp, Intrinsic, Literal, Scope } from '../syntax/ast.ts'
import { type IntrinsicName, intrinsics } from '../syntax/intrinsics.ts'
import {
  type Comparison,
  findServiceCondition,
  isAbsence,
  normalizeComparison,
  normalizeIdLiteral,
} from '../analyze/conditions.ts'
import { backlinkHead } from '../../query/trace-rows/head-sql.ts'
import { selectLogEventRows } from './log-events.ts'
import { anchorPattern, toSingleCondition, compareLookup, compileExists } from './attribute-lookup.ts'
import { getRequiredColumns } from './required-columns.ts'
import type { AttributeLookup, Row } from './row.ts'
import { compileOperand, resolveLookups, type Value } from './value.ts'

/** `compileValue` of condition.ts, passed in: a side of a comparison may be a condition. */
type CompileValue = (field: Field, row: Row) => Value

/**
 * Compiles one comparison to SQL, never null. A comparison of events or links holds when it holds
 * for one of the span's; `= nil` holds when none has the field.
 */
export function compileComparison(comparison: Comparison, row: Row, compileValue: CompileValue): string {
  const { left, op, right } = normalizeComparison(comparison)
  const needs = getRequiredColumns(left, right)
  if (!needs.has('events') && !needs.has('links')) return compare(left, op, right, row, compileValue)
  const absent = isAbsence(op, right)
  const one = compare(left, absent ? '!=' : op, right, row, compileValue)
  const some = needs.has('events')
    ? compileEventComparison(needsOnlyEvent(left, right), one, row)
    : compileLinkComparison(left, op, right, one, row)
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

function compareAttribute(attribute: Attribute, op: FieldOp, literal: Literal & Field, row: Row): string {
  const service = findServiceCondition({ left: attribute, op, right: literal })
  if (service) {
    const column = `${row.span}.service`
    if (service.op === '=') return `${column} = ${row.params.add('String', service.value)}`
    return `(${column} != '' and match(${column}, ${row.params.add('String', anchorPattern(service.value))}))`
  }
  const [first] = resolveLookups(attribute, row)
  const compareEntry = (entry: AttributeLookup): string => compareLookup(entry, op, literal, row.params)
  const inSource = (scope: Scope, compile: (entry: AttributeLookup) => string): string =>
    compileSourceCondition(row, (source) => compile(resolveLookups({ ...attribute, scope }, { ...row, source })[0]))
  switch (attribute.scope) {
    case 'any': {
      const own = compareEntry(first)
      const resource = inSource('resource', compareEntry)
      if (literal.type === 'nil' && op === '=') return `(${own} and ${resource})`
      // Keys are checked first and alone: see attribute-lookup.ts.
      const known = inSource('resource', compileExists)
      const found = toSingleCondition(`${own} or (not ${compileExists(first)} and ${resource})`)
      return `((${compileExists(first)} or ${known}) and ${found})`
    }
    case 'resource':
    case 'instrumentation':
      return inSource(attribute.scope, compareEntry)
    default:
      return compareEntry(first)
  }
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
  const value = normalizeIdLiteral(intrinsic, op, literal)
  const bytes = idColumns[intrinsic.name]
  if (bytes !== undefined && value.type === 'string' && (op === '=' || op === '!=')) {
    // Ids compare as stored bytes, so that indexes apply.
    const [column, length] = bytes
    if (value.value.length !== 2 * length || !/^[0-9a-f]*$/.test(value.value)) return op === '=' ? '0' : '1'
    return `${span}.${column} ${op} toFixedString(unhex(${params.add('String', value.value)}), ${length})`
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

/** Compares values of equal type; values of different types never match. */
function compareValues(left: Value, op: FieldOp, right: Value): string {
  if (isNil(left) && isNil(right)) return '0'
  if (isNil(right)) return op === '=' ? `not ${left.exists}` : left.exists
  if (isNil(left)) return op === '=' ? `not ${right.exists}` : right.exists
  // Without `ifNull`, a column of the sort key limits what is read.
  const isNullable = left.exists !== '1' || right.exists !== '1'
  const parts: string[] = []
  for (const type of ['string', 'number', 'boolean', 'status', 'kind'] as const) {
    const [a, b] = [left[type], right[type]]
    if (a !== undefined && b !== undefined) parts.push(compareTyped(type, a, op, b, isNullable))
  }
  return parts.length === 0 ? '0' : `(${parts.join(' or ')})`
}

function compareTyped(type: string, left: string, op: FieldOp, right: string, isNullable: boolean): string {
  const compared = compileOperator(type, left, op, right)
  return isNullable ? `ifNull(${compared}, 0)` : compared
}

function compileOperator(type: string, left: string, op: FieldOp, right: string): string {
  if (op !== '=~' && op !== '!~') return `${left} ${op} ${right}`
  // `check` allows only a literal on the right, so the parameter can be anchored here.
  if (type !== 'string') return '0'
  return `${op === '!~' ? 'not ' : ''}match(${left}, concat('^(?-s:', ${right}, ')$'))`
}

function isNil(value: Value): boolean {
  return value.exists === '0'
}

/**
 * Matches spans with a matching link. A link to a trace that is known is found there: by key, at
 * any age.
 */
function compileLinkComparison(left: Field, op: FieldOp, right: Field, one: string, { span, params }: Row): string {
  if (left.kind !== 'intrinsic' || left.name !== 'link:traceID' || op !== '=') {
    return `arrayExists(l -> ${one}, ${span}.links)`
  }
  const target = right.kind === 'literal' ? normalizeIdLiteral(left, op, right) : right
  if (!('type' in target) || target.type !== 'string' || !/^[0-9a-f]{32}$/.test(target.value)) return '0'
  const id = `toFixedString(unhex(${params.add('String', target.value)}), 16)`
  const { linkingSpan } = backlinkHead
  return `(${span}.trace_id, ${span}.span_id) in (select toFixedString(substring(${linkingSpan}, 1, 16), 16), toFixedString(substring(${linkingSpan}, 17), 8)
    from trace_rows where trace_id = ${id} and type = 'backlink' ${UNION_NULL_IDS})`
}

// ClickHouse 26.7 folds `in` over an empty set to a constant and then fails with "non constant in
// source stream but must be constant in result". This row, which no span matches, prevents that.
const UNION_NULL_IDS = `union all select toFixedString('', 16), toFixedString('', 8)`
