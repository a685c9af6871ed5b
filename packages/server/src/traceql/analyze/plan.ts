import type { Field, Filter, Pipeline } from '../syntax/ast.ts'
import { listLeaves, listParts } from './list-parts.ts'
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
  // Each side of a link operator is a search of its own.
  for (const part of listParts(pipeline, { intoLinks: false })) {
    if (part.kind === 'filter') conditions.add(part.condition)
    if (part.kind === 'operation' && part.op !== '&&' && part.op !== '||') needsStructure = true
    if (part.kind === 'aggregate' && part.field) numbers.add(part.field)
    if (part.kind === 'by') for (const field of part.fields) labels.add(field)
  }
  for (const field of extra.numbers ?? []) numbers.add(field)
  for (const field of extra.labels ?? []) labels.add(field)
  checkLimit('different filters', conditions.fields.length, limits.filters)
  checkLimit('fields', numbers.fields.length + labels.fields.length, limits.fields)
  const fields = [...conditions.fields, ...numbers.fields, ...labels.fields]
  const requiredColumns = getRequiredColumns(...fields)
  return {
    pipeline,
    conditions: conditions.fields,
    getConditionIndex: (filter) => conditions.find(filter.condition),
    numbers: dropUndefined(numbers.fields),
    getNumberIndex: numbers.find,
    labels: dropUndefined(labels.fields),
    getLabelIndex: labels.find,
    requiredColumns,
    parts: collectParts(fields.filter(needsTree)),
    needsStructure: needsStructure || requiredColumns.has('tree'),
  }
}

/**
 * Lists the fields that conditions and select() name: what spans of a result show.
 */
export function listShownFields(pipeline: Pipeline): readonly Field[] {
  const shown = createIndex()
  const addLeaves = (field: Field): void => {
    for (const leaf of listLeaves(field))
      if (leaf.kind === 'attribute' && leaf.scope !== 'event' && leaf.scope !== 'link') shown.add(leaf)
  }
  for (const part of listParts(pipeline, { intoLinks: true })) {
    if (part.kind === 'filter' && part.condition) addLeaves(part.condition)
    if (part.kind === 'by') part.fields.forEach(addLeaves)
    if (part.kind === 'select') part.fields.forEach(shown.add)
  }
  checkLimit('fields', shown.fields.length, limits.fields)
  return dropUndefined(shown.fields)
}

/** Gives equal fields the same index, at any position in the query. */
function createIndex() {
  const fields: (Field | undefined)[] = []
  const known = new Map<string, number>()
  return {
    fields,
    add(field: Field | undefined): void {
      const folded = field && foldConstants(field)
      const identity = identifyField(folded)
      if (known.has(identity)) return
      known.set(identity, fields.length)
      fields.push(folded)
    },
    find: (field: Field | undefined): number => known.get(identifyField(field && foldConstants(field))) ?? -1,
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
