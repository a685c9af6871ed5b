import type { Field, Filter, Metrics, Pipeline, Query } from '../syntax/ast.ts'
import { isComparable } from '../metrics/compare.ts'
import { TraceQLError } from '../syntax/errors.ts'
import { parse } from '../syntax/parse.ts'
import { getRequiredColumns } from '../sql/required-columns.ts'
import { checkComparison, describeType, isNumber, type Refuse } from './check-comparison.ts'
import { isArithmetic } from './constant-folding.ts'
import { listParts } from './list-parts.ts'
import { type FieldType, intrinsics } from '../syntax/intrinsics.ts'

/** Parses and checks a query. */
export function parseChecked(text: string): Query {
  const query = parse(text)
  check(query, text)
  return query
}

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
      checkFilter(metrics.selection, refuse)
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
  for (const part of listParts(pipeline, { intoLinks: true })) {
    if (part.kind === 'filter') checkFilter(part, refuse)
    if (part.kind === 'aggregate' && part.field) requireNumber(part.field, part.fn, refuse)
    if (part.kind === 'by' || part.kind === 'select') for (const field of part.fields) requireSingleValue(field, refuse)
  }
}

function checkFilter({ condition }: Filter, refuse: Refuse): void {
  if (!condition) return
  const type = inferType(condition, refuse)
  if (!isCondition(type)) refuse(condition, `Expected a condition, got ${describeType(type)}.`)
}

function requireNumber(field: Field, fn: string, refuse: Refuse): void {
  const type = requireSingleValue(field, refuse)
  if (!isNumber(type)) refuse(field, `${fn}(): expected a number or a duration, got ${describeType(type)}.`)
}

function requireSingleValue(field: Field, refuse: Refuse): FieldType {
  const type = inferType(field, refuse)
  const needs = getRequiredColumns(field)
  if (needs.has('events') || needs.has('links'))
    refuse(field, 'A span has many events and links, so their fields have no single value here.', 'unsupported')
  return type
}

function isCondition(type: FieldType): boolean {
  return type === 'boolean' || type === 'any'
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
      if (field.op === '!' && !isCondition(type)) refuse(field, `"!": expected a condition, got ${describeType(type)}.`)
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
  const sides = [
    [left, field.left],
    [right, field.right],
  ] as const
  if (field.op === '&&' || field.op === '||') {
    for (const [type, side] of sides)
      if (!isCondition(type)) refuse(side, `"${field.op}": expected a condition, got ${describeType(type)}.`)
    return 'boolean'
  }
  if (isArithmetic(field.op)) {
    for (const [type, side] of sides)
      if (!isNumber(type)) refuse(side, `"${field.op}": expected a number, got ${describeType(type)}.`)
    return left === 'duration' || right === 'duration' ? 'duration' : 'number'
  }
  checkComparison(field, left, right, refuse)
  return 'boolean'
}
