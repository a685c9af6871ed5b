import type { Field } from '../ast.ts'
import { intrinsics } from '../intrinsics.ts'

/** What a field takes beside the span's own row. */
export type Need = 'source' | 'parent' | 'trace' | 'children' | 'events' | 'links'

export function needsOf(field: Field, needs: Set<Need> = new Set()): ReadonlySet<Need> {
  switch (field.kind) {
    case 'unary':
      needsOf(field.operand, needs)
      break
    case 'binary':
      needsOf(field.left, needs)
      needsOf(field.right, needs)
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
      else if (home === 'trace') needs.add('trace')
      else if (home === 'scope') needs.add('source')
      else if (home === 'event') needs.add('events')
      else if (home === 'link') needs.add('links')
    }
  }
  return needs
}
