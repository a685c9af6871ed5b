import { AttributesResponse, AttributesQuery, CompletionResponse, CompletionQuery } from '@spanlink/api-schema'
import { completeQuery } from '../../query/traces/complete-query.ts'
import { parseTimeRange } from '../../query/traces/search-by-query.ts'
import { toSearchedRange } from '../../query/sql/searched-range.ts'
import { listAttributeKeys } from '../../traceql/complete/attribute-keys.ts'
import { listAttributeValues } from '../../traceql/complete/attribute-values.ts'
import { parseSpanCondition } from '../../traceql/analyze/span-condition.ts'
import type { Store } from '../../clickhouse/store.ts'
import { type Endpoint, endpoint } from './endpoint.ts'

export function attributeEndpoints(store: Store): readonly Endpoint[] {
  return [
    endpoint({
      path: '/api/attributes',
      summary: 'Attribute names, or the values of `key`, most used first',
      query: AttributesQuery,
      response: AttributesResponse,
      handle: async ({ query, signal }) => {
        const { key, scope, prefix, limit, q } = query
        const condition = q === undefined ? undefined : parseSpanCondition(q)
        const names = { ...parseTimeRange(query), limit: limit ?? 100, condition, signal }
        const options = prefix === undefined ? names : { ...names, prefix }
        const range = { ...parseTimeRange(query), hasDefaultEnd: query.end === undefined }
        if (key !== undefined) {
          const { found, scanned } = await listAttributeValues(store, key, options)
          return { status: 200, body: { values: [...found], ...toSearchedRange(range, scanned) } }
        }
        const { found, scanned } = await listAttributeKeys(store, {
          ...options,
          ...(scope === undefined ? {} : { scope }),
        })
        return { status: 200, body: { attributes: [...found], ...toSearchedRange(range, scanned) } }
      },
    }),
    endpoint({
      path: '/api/traceql/complete',
      summary: 'Completions at the caret of a TraceQL query, and its errors',
      query: CompletionQuery,
      response: CompletionResponse,
      handle: async ({ query, signal }) => ({ status: 200, body: await completeQuery(store, query, { signal }) }),
    }),
  ]
}
