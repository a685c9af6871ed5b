import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { getErrorType } from './errors.ts'

test("error.type is the broker's error name, also below the error wrappers of a client", () => {
  const protocol = new kafkajs.KafkaJSProtocolError({ type: 'NOT_ENOUGH_REPLICAS', message: 'x' } as unknown as Error)
  expect(getErrorType(protocol)).toBe('NOT_ENOUGH_REPLICAS')
  const retried = new kafkajs.KafkaJSNumberOfRetriesExceeded(protocol, { retryCount: 5, retryTime: 1 })
  expect(getErrorType(retried)).toBe('NOT_ENOUGH_REPLICAS')
})

test('error.type is the name of any other Error, and _OTHER for a thrown value that is not an Error', () => {
  expect(getErrorType(new TypeError('x'))).toBe('TypeError')
  expect(getErrorType(Object.assign(new Error('x'), { type: 'no kafka name' }))).toBe('Error')
  expect(['text', undefined, null, 7, {}].map(getErrorType)).toEqual(Array.from({ length: 5 }, () => '_OTHER'))
})

test('error.type is found when the error is its own cause', () => {
  const error = new Error('x')
  error.cause = error
  expect(getErrorType(error)).toBe('Error')
})
