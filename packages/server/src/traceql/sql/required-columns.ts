import type { Field } from '../syntax/ast.ts'
import { intrinsics } from '../syntax/intrinsics.ts'

/**
 * Sources that a field reads in addition to the span's own row. `tree`: numbers computed from the
 * whole trace.
 */
export type ColumnGroup = 'source' | 'parent' | 'trace' | 'children' | 'events' | 'links' | 'tree'

/** Unites those of several fields. */
export function getRequiredColumns(...fields: readonly (Field | undefined)[]): ReadonlySet<ColumnGroup> {
  const needs = new Set<ColumnGroup>()
  for (const field of fields) if (field) addRequiredColumns(field, needs)
  return needs
}

/** Whether the span's own row and its source, events and links are not enough. */
export function needsOtherSpans(...fields: readonly (Field | undefined)[]): boolean {
  const needs = getRequiredColumns(...fields)
  return (['parent', 'trace', 'children', 'tree'] as const).some((need) => needs.has(need))
}

function addRequiredColumns(field: Field, needs: Set<ColumnGroup>): void {
  switch (field.kind) {
    case 'unary':
      addRequiredColumns(field.operand, needs)
      break
    case 'binary':
      if (isRootCondition(field)) break
      addRequiredColumns(field.left, needs)
      addRequiredColumns(field.right, needs)
      break
    case 'attribute':
      if (field.parent) needs.add('parent')
      if (field.scope === 'event') needs.add('events')
      else if (field.scope === 'link') needs.add('links')
      else if (field.scope !== 'span') needs.add('source')
      break
    case 'intrinsic': {
      const { home } = intrinsics[field.name]
      if (field.name === 'span:childCount') needs.add('children')
      else if (field.name.startsWith('nestedSet')) needs.add('tree')
      else if (home === 'trace') needs.add('trace')
      else if (home === 'scope') needs.add('source')
      else if (home === 'event') needs.add('events')
      else if (home === 'link') needs.add('links')
    }
  }
}

/**
 * `nestedSetParent < 0` and its equivalents match roots, which the span's own row shows.
 */
function isRootCondition({ op, left, right }: Field & { kind: 'binary' }): boolean {
  if (left.kind !== 'intrinsic' || left.name !== 'nestedSetParent') return false
  if (right.kind !== 'literal' || (right.type !== 'int' && right.type !== 'float')) return false
  if (right.value === 0) return op === '<' || op === '>='
  return right.value === -1 && ['=', '!=', '<=', '>'].includes(op)
}
