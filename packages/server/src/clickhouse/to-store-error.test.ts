import { ClickHouseError } from '@clickhouse/client'
import { expect, test } from 'vitest'
import { toStoreError } from './to-store-error.ts'

test('a query that is too long for ClickHouse is too complex, not a sign of unavailability', () => {
  const error = new Error('Poco::Exception. Code: 1000, e.code() = 0, HTML Form Exception: Field value too long')
  expect(toStoreError(error)).toMatchObject({ code: 'too-complex' })
  expect(toStoreError(new Error('connect ECONNREFUSED'))).toMatchObject({ code: 'unavailable' })
})

test.each([
  ['243', 'NOT_ENOUGH_SPACE'],
  ['252', 'TOO_MANY_PARTS'],
  ['202', 'TOO_MANY_SIMULTANEOUS_QUERIES'],
  ['242', 'TABLE_IS_READ_ONLY'],
  ['236', 'ABORTED'],
])('error %s (%s) says nothing about the rows: the insert is retried, not quarantined', (code, type) => {
  expect(toStoreError(new ClickHouseError({ code, type, message: 'no' }))).toMatchObject({ code: 'unavailable' })
})
