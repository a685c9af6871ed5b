import type { Field } from '../syntax/ast.ts'
import { intrinsics } from '../syntax/intrinsics.ts'
import { getRequiredColumns } from '../sql/required-columns.ts'
import { findServiceCondition, isComparison, normalizeComparison } from './conditions.ts'
import { listLeaves } from './list-parts.ts'

/** What fields read of a span beyond its head. */
export type FetchedFields = {
  /** Of attributes of the span. */
  readonly keys: ReadonlySet<string>
  readonly statusMessage: boolean
  readonly events: boolean
  readonly links: boolean
  /** The resource or the scope. */
  readonly source: boolean
}

export function collectFetchedFields(fields: readonly Field[]): FetchedFields {
  const leaves = fields.flatMap(listLeaves)
  const columns = getRequiredColumns(...fields)
  return {
    keys: new Set(
      leaves.flatMap((leaf) =>
        leaf.kind === 'attribute' && (leaf.scope === 'any' || leaf.scope === 'span') ? [leaf.key] : [],
      ),
    ),
    statusMessage: leaves.some((leaf) => leaf.kind === 'intrinsic' && leaf.name === 'span:statusMessage'),
    events: columns.has('events'),
    links: columns.has('links'),
    source: fields.some(readsSource),
  }
}

function readsSource(field: Field): boolean {
  if (isComparison(field) && findServiceCondition(normalizeComparison(field))) return false
  switch (field.kind) {
    case 'attribute':
      return field.scope === 'any' || field.scope === 'resource' || field.scope === 'instrumentation'
    case 'intrinsic':
      return intrinsics[field.name].home === 'scope'
    case 'unary':
      return readsSource(field.operand)
    case 'binary':
      return readsSource(field.left) || readsSource(field.right)
    case 'literal':
      return false
  }
}
