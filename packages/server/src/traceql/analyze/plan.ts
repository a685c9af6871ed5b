import type { Field, Filter, Pipeline } from '../syntax/ast.ts'
import { listLeaves, listParts } from './list-parts.ts'
import { TraceQLError } from '../syntax/errors.ts'
import { foldConstants } from './constant-folding.ts'
import { collectFetchedFields, type FetchedFields } from './fetched-fields.ts'
import { limits } from '../limits.ts'

/** The fields and filters that a pipeline reads of spans: each is a column of evaluated rows. */
export type Plan = {
  readonly pipeline: Pipeline
  /** Different conditions; undefined matches every span. */
  readonly conditions: readonly (Field | undefined)[]
  getConditionIndex(filter: Filter): number
  /** Fields that stages work with as numbers. */
  readonly numbers: readonly Field[]
  getNumberIndex(field: Field): number
  /** Fields that stages group by, and those that a result shows. */
  readonly labels: readonly Field[]
  getLabelIndex(field: Field): number
  readonly fetched: FetchedFields
}

export function planPipeline(
  pipeline: Pipeline,
  extra: { readonly numbers?: readonly Field[]; readonly labels?: readonly Field[] } = {},
): Plan {
  const conditions = createIndex()
  const numbers = createIndex()
  const labels = createIndex()
  // Each side of a link operator is a search of its own.
  for (const part of listParts(pipeline, { intoLinks: false })) {
    if (part.kind === 'filter') conditions.add(part.condition)
    if (part.kind === 'aggregate' && part.field) numbers.add(part.field)
    if (part.kind === 'by') for (const field of part.fields) labels.add(field)
  }
  checkLimit('different filters', conditions.fields.length, limits.filters)
  checkLimit('fields', numbers.fields.length + labels.fields.length, limits.fields)
  for (const field of extra.numbers ?? []) numbers.add(field)
  for (const field of extra.labels ?? []) labels.add(field)
  return {
    pipeline,
    conditions: conditions.fields,
    getConditionIndex: (filter) => conditions.find(filter.condition),
    numbers: dropUndefined(numbers.fields),
    getNumberIndex: numbers.find,
    labels: dropUndefined(labels.fields),
    getLabelIndex: labels.find,
    fetched: collectFetchedFields(dropUndefined([...conditions.fields, ...numbers.fields, ...labels.fields])),
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
