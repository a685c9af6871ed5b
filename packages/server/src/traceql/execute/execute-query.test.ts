import { expect, test } from 'vitest'
import { StoreError } from '../../clickhouse/store-error.ts'
import type { Store } from '../../clickhouse/store.ts'
import { executeMetricsQuery } from '../metrics/metrics.ts'
import { searchTraceQL } from './search-traceql.ts'

const window = { start: 0n, end: 1_000_000_000n }

/** A store whose statements exceed the memory limit if they contain a text. */
function createHeavyStore(text: string): Store {
  const query = async (sql: string): Promise<never[]> => {
    if (sql.includes(text)) throw new StoreError('too-heavy', 'memory limit exceeded')
    return []
  }
  return { query } as unknown as Store
}

test('a search that exceeds the memory limit says how to narrow it', async () => {
  await expect(searchTraceQL(createHeavyStore('spans'), '{ }', window)).rejects.toMatchObject({
    name: 'TraceQLError',
    code: 'limit',
    message: expect.stringContaining('memory limit'),
  })
})

test('a metrics query that is too heavy with deduplication runs without it and warns', async () => {
  const { warnings } = await executeMetricsQuery(createHeavyStore('uniqExact'), '{ } | rate()', {
    ...window,
    step: 1_000_000_000n,
  })
  expect(warnings).toEqual(['Too many spans to deduplicate: a span that was sent twice counts twice.'])
})
