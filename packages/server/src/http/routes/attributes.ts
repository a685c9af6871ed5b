import { AttributesQuery, AttributesResponse, CompletionQuery, CompletionResponse } from '@spanlink/api-schema'
import type { Store } from '../../clickhouse/store.ts'
import { toSearchedRange } from '../../query/sql/searched-range.ts'
import { completeQuery } from '../../query/traces/complete-query.ts'
import { parseTimeRange } from '../../query/traces/search-by-query.ts'
import { parseSpanCondition } from '../../traceql/analyze/span-condition.ts'
import { listAttributeKeys } from '../../traceql/complete/attribute-keys.ts'
import { listAttributeValues } from '../../traceql/complete/attribute-values.ts'
import { type Endpoint, endpoint } from './endpoint.ts'

export function attributeEndpoints(store: Store): readonly Endpoint[] {
  return [
    endpoint({
      path: '/api/attributes',
      role: 'read',
      summary: 'Attribute names, or the values of `key`, most used first',
      query: AttributesQuery,
      response: AttributesResponse,
      find: async ({ query, options }) => {
        const { key, scope, prefix, limit, q } = query
        const range = { ...parseTimeRange(query), hasDefaultEnd: query.end === undefined }
        const condition = q === undefined ? undefined : parseSpanCondition(q)
        const names = { ...options, ...range, prefix, limit, condition }
        if (key !== undefined) {
          const { found, scanned } = await listAttributeValues(store, key, names)
          return { values: [...found], ...toSearchedRange(range, scanned) }
        }
        const { found, scanned } = await listAttributeKeys(store, { ...names, scope })
        return { attributes: [...found], ...toSearchedRange(range, scanned) }
      },
    }),
    endpoint({
      path: '/api/traceql/complete',
      role: 'read',
      summary: 'Completions at the caret of a TraceQL query, and its errors',
      query: CompletionQuery,
      response: CompletionResponse,
      find: ({ query, options }) => completeQuery(store, query, options),
    }),
  ]
}
