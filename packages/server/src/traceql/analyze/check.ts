import type { Field, Metrics, Pipeline, Query, Scalar, Spanset } from '../syntax/ast.ts'
import { isComparable } from '../metrics/compare.ts'
import { TraceQLError } from '../syntax/errors.ts'
import { checkComparison } from './check-comparison.ts'
import { isNumber, describeType, type Refuse } from './field-type.ts'
import { type FieldType, intrinsics } from '../syntax/intrinsics.ts'

/**
 * Rejects comparisons between types that never match, arithmetic on text and invalid regular
 * expressions. Attributes have no type before a span is read, so they fit everywhere.
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
          'compare() supports only filters on single spans: no parents, roots, structure or pipelines.',
          'unsupported',
        )
      return
    case 'aggregate':
      checkPipeline(metrics.source, refuse)
      if (metrics.field) requireNumber(metrics.field, metrics.fn, refuse)
      for (const field of metrics.by) requireSingleValue(field, refuse)
  }
}

function checkPipeline(pipeline: Pipeline, refuse: Refuse): void {
  checkSpanset(pipeline.source, refuse)
  for (const stage of pipeline.stages) {
    if (stage.kind === 'spanset') checkSpanset(stage.spanset, refuse)
    if (stage.kind === 'by' || stage.kind === 'select')
      for (const field of stage.fields) requireSingleValue(field, refuse)
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
  const type = inferType(spanset.condition, refuse)
  if (type !== 'boolean' && type !== 'any') {
    refuse(spanset.condition, `Expected a condition, got ${describeType(type)}.`)
  }
}

function checkScalar(scalar: Scalar, refuse: Refuse): void {
  if (scalar.kind === 'arithmetic') {
    checkScalar(scalar.left, refuse)
    checkScalar(scalar.right, refuse)
  }
  if (scalar.kind === 'aggregate' && scalar.field) requireNumber(scalar.field, scalar.fn, refuse)
}

function requireNumber(field: Field, fn: string, refuse: Refuse): void {
  const type = requireSingleValue(field, refuse)
  if (!isNumber(type)) refuse(field, `${fn}(): expected a number or a duration, got ${describeType(type)}.`)
}

function requireSingleValue(field: Field, refuse: Refuse): FieldType {
  const type = inferType(field, refuse)
  if (hasManyValues(field))
    refuse(field, 'A span has many events and links, so their fields have no single value here.', 'unsupported')
  return type
}

function hasManyValues(field: Field): boolean {
  if (field.kind === 'attribute') return field.scope === 'event' || field.scope === 'link'
  if (field.kind === 'intrinsic') return ['event', 'link'].includes(intrinsics[field.name].home)
  if (field.kind === 'unary') return hasManyValues(field.operand)
  return field.kind === 'binary' && (hasManyValues(field.left) || hasManyValues(field.right))
}

/** Infers the type of an expression and checks its operands. */
function inferType(field: Field, refuse: Refuse): FieldType {
  switch (field.kind) {
    case 'attribute':
      return 'any'
    case 'intrinsic':
      return intrinsics[field.name].type
    case 'literal':
      return field.type === 'int' || field.type === 'float' ? 'number' : field.type
    case 'unary': {
      const type = inferType(field.operand, refuse)
      if (field.op === '!' && type !== 'boolean' && type !== 'any')
        refuse(field, `"!": expected a condition, got ${describeType(type)}.`)
      if (field.op === '-' && !isNumber(type)) refuse(field, `"-": expected a number, got ${describeType(type)}.`)
      return field.op === '!' ? 'boolean' : type
    }
    case 'binary':
      return inferBinaryType(field, refuse)
  }
}

function inferBinaryType(field: Field & { kind: 'binary' }, refuse: Refuse): FieldType {
  const left = inferType(field.left, refuse)
  const right = inferType(field.right, refuse)
  switch (field.op) {
    case '&&':
    case '||':
      for (const [type, side] of [
        [left, field.left],
        [right, field.right],
      ] as const) {
        if (type !== 'boolean' && type !== 'any')
          refuse(side, `"${field.op}": expected a condition, got ${describeType(type)}.`)
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
        if (!isNumber(type)) refuse(side, `"${field.op}": expected a number, got ${describeType(type)}.`)
      }
      return left === 'duration' || right === 'duration' ? 'duration' : 'number'
    default:
      checkComparison(field, left, right, refuse)
      return 'boolean'
  }
}
