import { expect, test } from 'vitest'
import { StoreError } from '../../../clickhouse/store-error.ts'
import type { Store } from '../../../clickhouse/store.ts'
import { findTrace } from './trace.ts'

test('a trace without spans is undefined, also when its log query exceeds the memory limit', async () => {
  const statements: string[] = []
  const store = {
    query: async (sql: string) => {
      statements.push(sql)
      if (sql.includes('from logs')) throw new StoreError('too-heavy', 'memory limit exceeded')
      return []
    },
    queryBytes: async () => ({ bytes: Buffer.alloc(0), rows: 0 }),
  } as Partial<Store> as Store
  expect(await findTrace(store, 'a'.repeat(32), {})).toBeUndefined()
  expect(statements).toHaveLength(1)
})
