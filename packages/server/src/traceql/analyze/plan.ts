import type { Field, Filter, Pipeline, Scalar, Spanset, Stage } from '../syntax/ast.ts'
import { linkOps } from '../syntax/ast.ts'
import { type ColumnGroup, getRequiredColumns } from '../sql/required-columns.ts'
import { TraceQLError } from '../syntax/errors.ts'
import { needsTree, type Parts, collectParts } from '../evaluate/tree-fields.ts'
import { foldConstants } from './constant-folding.ts'
import { limits } from '../limits.ts'

/** The fields and filters that a pipeline reads of spans; each is a column of the fetched rows. */
export type Plan = {
  readonly pipeline: Pipeline
  /** Different conditions; undefined matches every span. */
  readonly conditions: readonly (Field | undefined)[]
  getConditionIndex(filter: Filter): number
  /** Fields that stages work with as numbers. */
  readonly numbers: readonly Field[]
  getNumberIndex(field: Field): number
  /** Fields that stages group by. */
  readonly labels: readonly Field[]
  getLabelIndex(field: Field): number
  readonly requiredColumns: ReadonlySet<ColumnGroup>
  /** Parts of fields with nested-set numbers that ClickHouse computes. */
  readonly parts: Parts
  /**
   * Whether relations between spans matter, so that spans without a match are read too.
   */
  readonly needsStructure: boolean
}

export function planPipeline(
  pipeline: Pipeline,
  extra: { numbers?: readonly Field[]; labels?: readonly Field[] } = {},
): Plan {
  const conditions = createIndex()
  const numbers = createIndex()
  const labels = createIndex()
  let needsStructure = false
  const visitSpanset = (spanset: Spanset): void => {
    if (spanset.kind === 'filter') conditions.add(spanset.condition)
    if (spanset.kind === 'pipeline') visitPipeline(spanset)
    if (spanset.kind !== 'operation') return
    if (spanset.op !== '&&' && spanset.op !== '||') needsStructure = true
    // Each side of a link operator is a search of its own.
    if (!isLinkOperation(spanset)) {
      visitSpanset(spanset.left)
      visitSpanset(spanset.right)
    }
  }
  const visitScalar = (scalar: Scalar): void => {
    if (scalar.kind === 'aggregate' && scalar.field) numbers.add(scalar.field)
    if (scalar.kind === 'arithmetic') {
      visitScalar(scalar.left)
      visitScalar(scalar.right)
    }
  }
  const visitStage = (stage: Stage): void => {
    if (stage.kind === 'spanset') visitSpanset(stage.spanset)
    if (stage.kind === 'by') for (const field of stage.fields) labels.add(field)
    if (stage.kind === 'compare') {
      visitScalar(stage.left)
      visitScalar(stage.right)
    }
  }
  const visitPipeline = (pipeline: Pipeline): void => {
    visitSpanset(pipeline.source)
    for (const stage of pipeline.stages) visitStage(stage)
  }
  visitPipeline(pipeline)
  for (const field of extra.numbers ?? []) numbers.add(field)
  for (const field of extra.labels ?? []) labels.add(field)
  checkLimit('different filters', conditions.fields.length, limits.filters)
  checkLimit('fields', numbers.fields.length + labels.fields.length, limits.fields)
  const requiredColumns = new Set<ColumnGroup>()
  for (const field of [...conditions.fields, ...numbers.fields, ...labels.fields])
    if (field) getRequiredColumns(field, requiredColumns)
  return {
    pipeline,
    conditions: conditions.fields,
    getConditionIndex: (filter) => conditions.find(filter.condition),
    numbers: dropUndefined(numbers.fields),
    getNumberIndex: numbers.find,
    labels: dropUndefined(labels.fields),
    getLabelIndex: labels.find,
    requiredColumns,
    parts: collectParts([...dropUndefined(conditions.fields), ...numbers.fields, ...labels.fields].filter(needsTree)),
    needsStructure: needsStructure || requiredColumns.has('tree'),
  }
}

export function isLinkOperation(spanset: Spanset): spanset is Spanset & { kind: 'operation' } {
  return spanset.kind === 'operation' && linkOps.some((op) => op === spanset.op)
}

/**
 * Lists the fields that conditions and select() name: what spans of a result show.
 */
export function listShownFields(pipeline: Pipeline): readonly Field[] {
  const shown = createIndex()
  const visit = (field: Field): void => {
    if (field.kind === 'attribute' && field.scope !== 'event' && field.scope !== 'link') shown.add(field)
    if (field.kind === 'unary') visit(field.operand)
    if (field.kind === 'binary') {
      visit(field.left)
      visit(field.right)
    }
  }
  const visitSpanset = (spanset: Spanset): void => {
    if (spanset.kind === 'filter' && spanset.condition) visit(spanset.condition)
    if (spanset.kind === 'pipeline') visitPipeline(spanset)
    if (spanset.kind === 'operation') {
      visitSpanset(spanset.left)
      visitSpanset(spanset.right)
    }
  }
  const visitPipeline = (pipeline: Pipeline): void => {
    visitSpanset(pipeline.source)
    for (const stage of pipeline.stages) {
      if (stage.kind === 'spanset') visitSpanset(stage.spanset)
      if (stage.kind === 'by') for (const field of stage.fields) visit(field)
      if (stage.kind === 'select') for (const field of stage.fields) shown.add(field)
    }
  }
  visitPipeline(pipeline)
  checkLimit('fields', shown.fields.length, limits.fields)
  return dropUndefined(shown.fields)
}

type FieldIndex = {
  readonly fields: (Field | undefined)[]
  add(field: Field | undefined): void
  find(field: Field | undefined): number
}

/** Gives equal fields the same index, at any position in the query. */
function createIndex(): FieldIndex {
  const fields: (Field | undefined)[] = []
  const known = new Map<string, number>()
  return {
    fields,
    add(field) {
      const folded = field && foldConstants(field)
      const identity = identifyField(folded)
      if (known.has(identity)) return
      known.set(identity, fields.length)
      fields.push(folded)
    },
    find: (field) => known.get(identifyField(field && foldConstants(field))) ?? -1,
  }
}

function identifyField(field: Field | undefined): string {
  return JSON.stringify(field, (name, value: unknown) => (name === 'from' || name === 'to' ? undefined : value)) ?? ''
}

function dropUndefined(fields: readonly (Field | undefined)[]): readonly Field[] {
  return fields.filter((field) => field !== undefined)
}

function checkLimit(what: string, count: number, limit: number): void {
  if (count > limit) throw new TraceQLError('limit', `The query has ${count} ${what}; at most ${limit} are supported.`)
}
