import type { Field, Metrics, Pipeline, Query, Scalar, Spanset } from '../syntax/ast.ts'
import { isComparable } from '../metrics/compare.ts'
import { TraceQLError } from '../syntax/errors.ts'
import { checkComparison } from './check-comparison.ts'
import { isNumber, nameOf, type Refuse } from './field-type.ts'
import { type FieldType, intrinsics } from '../syntax/intrinsics.ts'

/**
 * Refuses what can't be meant: comparisons between types that never match, arithmetic on words,
 * regular expressions RE2 doesn't know. Attributes have no type until a span is seen, so they go
 * with everything.
 *
 * @throws TraceQLError `type` or `unsupported`, at the offending part
 */
export function check(query: Query, text: string): void {
  const refuse: Refuse = (at, message, code = 'type') => {
    throw new TraceQLError(code, message, { text, from: at.from, to: at.to })
  }
  if (query.kind === 'search') checkPipeline(query.pipeline, refuse)
  else checkMetrics(query.metrics, refuse)
}

function checkMetrics(metrics: Metrics, refuse: Refuse): void {
  switch (metrics.kind) {
    case 'number':
      return
    case 'arithmetic':
      checkMetrics(metrics.left, refuse)
      checkMetrics(metrics.right, refuse)
      return
    case 'second':
      checkMetrics(metrics.of, refuse)
      return
    case 'compare':
      checkPipeline(metrics.source, refuse)
      checkSpanset(metrics.selection, refuse)
      if (!isComparable(metrics))
        refuse(
          metrics,
          'compare() takes filters about single spans: no parents, roots, structure or pipelines.',
          'unsupported',
        )
      return
    case 'aggregate':
      checkPipeline(metrics.source, refuse)
      if (metrics.field) needNumber(metrics.field, metrics.fn, refuse)
      for (const field of metrics.by) needSingleValue(field, refuse)
  }
}

function checkPipeline(pipeline: Pipeline, refuse: Refuse): void {
  checkSpanset(pipeline.source, refuse)
  for (const stage of pipeline.stages) {
    if (stage.kind === 'spanset') checkSpanset(stage.spanset, refuse)
    if (stage.kind === 'by' || stage.kind === 'select') for (const field of stage.fields) needSingleValue(field, refuse)
    if (stage.kind === 'compare') {
      checkScalar(stage.left, refuse)
      checkScalar(stage.right, refuse)
    }
  }
}

function checkSpanset(spanset: Spanset, refuse: Refuse): void {
  if (spanset.kind === 'pipeline') return checkPipeline(spanset, refuse)
  if (spanset.kind === 'operation') {
    checkSpanset(spanset.left, refuse)
    checkSpanset(spanset.right, refuse)
    return
  }
  if (!spanset.condition) return
  const type = typeOf(spanset.condition, refuse)
  if (type !== 'boolean' && type !== 'any') {
    refuse(spanset.condition, `A filter needs a condition, and this is ${nameOf(type)}.`)
  }
}

function checkScalar(scalar: Scalar, refuse: Refuse): void {
  if (scalar.kind === 'arithmetic') {
    checkScalar(scalar.left, refuse)
    checkScalar(scalar.right, refuse)
  }
  if (scalar.kind === 'aggregate' && scalar.field) needNumber(scalar.field, scalar.fn, refuse)
}

function needNumber(field: Field, fn: string, refuse: Refuse): void {
  const type = needSingleValue(field, refuse)
  if (!isNumber(type)) refuse(field, `${fn}() needs a number or a duration, and this is ${nameOf(type)}.`)
}

function needSingleValue(field: Field, refuse: Refuse): FieldType {
  const type = typeOf(field, refuse)
  if (isOfMany(field))
    refuse(field, 'A span has many events and links, so their fields have no one value here.', 'unsupported')
  return type
}

function isOfMany(field: Field): boolean {
  if (field.kind === 'attribute') return field.scope === 'event' || field.scope === 'link'
  if (field.kind === 'intrinsic') return ['event', 'link'].includes(intrinsics[field.name].home)
  if (field.kind === 'unary') return isOfMany(field.operand)
  return field.kind === 'binary' && (isOfMany(field.left) || isOfMany(field.right))
}

/** The type of an expression, after checking what is inside it. */
function typeOf(field: Field, refuse: Refuse): FieldType {
  switch (field.kind) {
    case 'attribute':
      return 'any'
    case 'intrinsic':
      return intrinsics[field.name].type
    case 'literal':
      return field.type === 'int' || field.type === 'float' ? 'number' : field.type
    case 'unary': {
      const type = typeOf(field.operand, refuse)
      if (field.op === '!' && type !== 'boolean' && type !== 'any')
        refuse(field, `"!" needs a condition, and this is ${nameOf(type)}.`)
      if (field.op === '-' && !isNumber(type)) refuse(field, `"-" needs a number, and this is ${nameOf(type)}.`)
      return field.op === '!' ? 'boolean' : type
    }
    case 'binary':
      return typeOfBinary(field, refuse)
  }
}

function typeOfBinary(field: Field & { kind: 'binary' }, refuse: Refuse): FieldType {
  const left = typeOf(field.left, refuse)
  const right = typeOf(field.right, refuse)
  switch (field.op) {
    case '&&':
    case '||':
      for (const [type, side] of [
        [left, field.left],
        [right, field.right],
      ] as const) {
        if (type !== 'boolean' && type !== 'any')
          refuse(side, `"${field.op}" joins conditions, and this is ${nameOf(type)}.`)
      }
      return 'boolean'
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '^':
      for (const [type, side] of [
        [left, field.left],
        [right, field.right],
      ] as const) {
        if (!isNumber(type)) refuse(side, `"${field.op}" needs numbers, and this is ${nameOf(type)}.`)
      }
      return left === 'duration' || right === 'duration' ? 'duration' : 'number'
    default:
      checkComparison(field, left, right, refuse)
      return 'boolean'
  }
}
