import { expect, test } from 'vitest'
import { toStoreError } from './to-store-error.ts'

test('a query that is too long for ClickHouse is too complex, not a sign of unavailability', () => {
  const error = new Error('Poco::Exception. Code: 1000, e.code() = 0, HTML Form Exception: Field value too long')
  expect(toStoreError(error)).toMatchObject({ code: 'too-complex' })
  expect(toStoreError(new Error('connect ECONNREFUSED'))).toMatchObject({ code: 'unavailable' })
})
