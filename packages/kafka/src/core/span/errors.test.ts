import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { getErrorType } from './errors.ts'

test("the broker's error name is the error's type, also below a client's wrappers", () => {
  const protocol = new kafkajs.KafkaJSProtocolError({ type: 'NOT_ENOUGH_REPLICAS', message: 'x' } as unknown as Error)
  expect(getErrorType(protocol)).toBe('NOT_ENOUGH_REPLICAS')
  const retried = new kafkajs.KafkaJSNumberOfRetriesExceeded(protocol, { retryCount: 5, retryTime: 1 })
  expect(getErrorType(retried)).toBe('NOT_ENOUGH_REPLICAS')
})

test("any other error's type is its name, and what is no error is _OTHER", () => {
  expect(getErrorType(new TypeError('x'))).toBe('TypeError')
  expect(getErrorType(Object.assign(new Error('x'), { type: 'no kafka name' }))).toBe('Error')
  expect(['text', undefined, null, 7, {}].map(getErrorType)).toEqual(Array.from({ length: 5 }, () => '_OTHER'))
})

test('a cycle of causes ends', () => {
  const error = new Error('x')
  error.cause = error
  expect(getErrorType(error)).toBe('Error')
})
