import { expect, test } from 'vitest'
import { storeFailure } from './store-failure.ts'

test('a statement too long for the engine is too complex, and the engine is not down', () => {
  const error = new Error('Poco::Exception. Code: 1000, e.code() = 0, HTML Form Exception: Field value too long')
  expect(storeFailure(error)).toMatchObject({ code: 'too-complex' })
  expect(storeFailure(new Error('connect ECONNREFUSED'))).toMatchObject({ code: 'engine-down' })
})
