import type * as Confluent from '@confluentinc/kafka-javascript'
import { describe, expect, test } from 'vitest'
import { getErrorCodeName, withErrorType } from '../src/rdkafka/errors.ts'
import { nativeClient } from './support/native-client.ts'

const { client, isMissing } = nativeClient<typeof Confluent>('@confluentinc/kafka-javascript')

describe.skipIf(isMissing)('librdkafka error names beside the error table of the client', () => {
  const codes = (): [string, number][] => Object.entries(client.CODES.ERRORS)

  test('every librdkafka error has the name in the table of the client', () => {
    const librdkafkaErrors = codes().filter(([name, code]) => code < -1 && !/^ERR__(BEGIN|END)$/.test(name))
    expect(librdkafkaErrors.length).toBeGreaterThan(60)
    expect(librdkafkaErrors.map(([, code]) => getErrorCodeName(code))).toEqual(librdkafkaErrors.map(([name]) => name))
  })

  test('every broker error has the name in the table but ten that librdkafka renames', () => {
    const broker = codes().filter(([, code]) => code > 0 && getErrorCodeName(code) !== undefined)
    const others = broker.filter(([name, code]) => `ERR_${getErrorCodeName(code)}` !== name)
    expect(broker.length).toBeGreaterThan(90)
    expect(others.map(([name, code]) => `${name} ${getErrorCodeName(code)}`)).toContain(
      'ERR_MSG_SIZE_TOO_LARGE MESSAGE_TOO_LARGE',
    )
    expect(others).toHaveLength(10)
  })
})

test.each([0, -1, -136, -200, 114, 1.5, Number.NaN, 1e9])('error code %s has no name', (code) => {
  expect(getErrorCodeName(code)).toBeUndefined()
})

test('withErrorType returns a copy of the error with type and code as names', () => {
  const error = Object.freeze(Object.assign(new TypeError('too large'), { code: 10 }))
  const typed = withErrorType(error) as TypeError & { readonly type: string; readonly code: unknown }
  expect(typed).toBeInstanceOf(TypeError)
  expect([typed.type, typed.code, typed.message, typed.stack]).toEqual([
    'MESSAGE_TOO_LARGE',
    'MESSAGE_TOO_LARGE',
    error.message,
    error.stack,
  ])
  expect(Object.keys(error)).toEqual(['code'])
})

test.each([
  undefined,
  null,
  'text',
  7,
  { code: 10 },
  new Error('plain'),
  Object.assign(new Error('io'), { code: 'EIO' }),
])('withErrorType returns a value without a numeric error code unchanged: %s', (thrown) => {
  expect(withErrorType(thrown)).toBe(thrown)
})
