import { expect, test } from 'vitest'
import { StoreError } from '../store/store-error.ts'
import type { Store } from '../store/store.ts'
import { findTrace } from './trace.ts'

test('a trace without spans whose logs are too heavy fails as that, without a statement that lacks parameters', async () => {
  const statements: string[] = []
  const store = {
    query: async (sql: string) => {
      statements.push(sql)
      if (sql.includes('from logs')) throw new StoreError('too-heavy', 'memory limit exceeded')
      return []
    },
  } as Partial<Store> as Store
  await expect(findTrace(store, 'a'.repeat(32), {})).rejects.toMatchObject({ code: 'too-heavy' })
  expect(statements.some((sql) => sql.includes('any(size)'))).toBe(false)
})
