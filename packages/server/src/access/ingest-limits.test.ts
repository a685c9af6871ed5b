import { expect, test } from 'vitest'
import { RateLimitError } from './errors.ts'
import { createIngestLimits } from './ingest-limits.ts'

const principal = (limits: object) => ({ id: 'one', name: '', roles: ['ingest'] as const, limits })

test('a token that sent more than its rate waits until the rate has caught up', () => {
  let now = 0
  const limits = createIngestLimits(() => now)
  const one = principal({ spansPerSecond: 100 })
  limits.check(one)
  limits.count(one, { spans: 700, bytes: 1e9 })
  const error = (() => {
    try {
      limits.check(one)
    } catch (thrown) {
      return thrown
    }
    return undefined
  })()
  expect(error).toBeInstanceOf(RateLimitError)
  expect((error as RateLimitError).retryAfterSeconds).toBe(6)
  now += 4900
  expect(() => limits.check(one)).toThrow(RateLimitError)
  now += 1100
  expect(() => limits.check(one)).not.toThrow()
})

test('a steady sender at its rate is never limited, and others are not affected', () => {
  let now = 0
  const limits = createIngestLimits(() => now)
  const one = principal({ bytesPerSecond: 1000 })
  for (let second = 0; second < 100; second++) {
    limits.check(one)
    limits.count(one, { spans: 1, bytes: 1000 })
    now += 1000
  }
  limits.count(one, { spans: 0, bytes: 1e6 })
  expect(() => limits.check(one)).toThrow(RateLimitError)
  expect(() => limits.check({ ...one, id: 'two' })).not.toThrow()
  expect(() => limits.check(principal({}))).not.toThrow()
})
