import { expect, test } from 'vitest'
import { toStoreError } from './to-store-error.ts'

test('a statement too long for the engine is too complex, and the engine is not down', () => {
  const error = new Error('Poco::Exception. Code: 1000, e.code() = 0, HTML Form Exception: Field value too long')
  expect(toStoreError(error)).toMatchObject({ code: 'too-complex' })
  expect(toStoreError(new Error('connect ECONNREFUSED'))).toMatchObject({ code: 'unavailable' })
})
