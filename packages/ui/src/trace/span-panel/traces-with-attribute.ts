import type { KeyValue } from '@spanlink/api-schema'
import { tracesUrl } from '../../app/route.ts'
import type { SameValue } from '../../components/details/attribute-table.tsx'
import { attributeCondition, type AttributeScope } from '../../traces/query/attribute-condition.ts'

/** Builds links to traces with the same attribute value, for `AttributeTable`. */
export function tracesWith(scope: AttributeScope): (attribute: KeyValue) => SameValue | undefined {
  return ({ key, value }) => {
    const condition = attributeCondition(scope, key, value)
    return condition === undefined
      ? undefined
      : { href: tracesUrl({ q: `{ ${condition} }` }), title: 'Find traces with this value' }
  }
}
