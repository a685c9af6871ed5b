import { expect, test } from 'vitest'
import { normalizeDuration } from '../lib/format/duration.ts'
import { parseRoute, traceUrl, tracesUrl, readTrail } from './route.ts'
import { parseTraceFilters, isFiltered, tracesPath } from '../traces/trace-filters.ts'

test('a trace URL with a span is parsed back into both ids', () => {
  const url = new URL(traceUrl('ab'.repeat(16), 'cd'.repeat(8)), 'http://localhost')
  expect(parseRoute({ path: url.pathname, search: url.search })).toEqual({
    page: 'trace',
    traceId: 'ab'.repeat(16),
    spanId: 'cd'.repeat(8),
  })
  expect(parseRoute({ path: '/trace/ABCD', search: '' })).toMatchObject({ traceId: 'abcd', spanId: undefined })
})

test('an unknown path is the page "unknown"', () => {
  expect(parseRoute({ path: '/trace/a/b', search: '' })).toMatchObject({ page: 'unknown' })
  expect(parseRoute({ path: '/', search: '?service=a' })).toMatchObject({ page: 'traces' })
})

test('search filters with any characters are restored from the URL', () => {
  const filters = { service: 'a&b=c #?', operation: 'POST /<x>', minDuration: '5ms', status: 'error', last: '15m' }
  const url = new URL(tracesUrl(filters), 'http://localhost')
  expect(parseTraceFilters(url.searchParams)).toMatchObject(filters)
  expect(isFiltered(parseTraceFilters(new URLSearchParams('limit=100')))).toBe(false)
})

test('a relative range of 15 minutes becomes an absolute start', () => {
  expect(tracesPath({ last: '15m' }, 1_760_000_000_000)).toBe('api/traces?start=1759999100000000000&limit=50')
  expect(tracesPath({ start: '5', end: '9', last: 'nonsense' }, 0)).toBe('api/traces?start=5&end=9&limit=50')
})

test('a duration without a unit is in milliseconds, and a blank before the unit is accepted', () => {
  expect(normalizeDuration('250')).toBe('250ms')
  expect(normalizeDuration('1.5 s')).toBe('1.5s')
  expect(normalizeDuration('  ')).toBeUndefined()
})

test('an invalid breadcrumb trail in the history state is ignored', () => {
  expect(readTrail({ trail: [{ traceId: 'a' }, 7, null] })).toEqual([])
  expect(readTrail('x')).toEqual([])
  const breadcrumb = { traceId: 'a', spanId: 'b', service: 'c', name: 'd' }
  expect(readTrail({ trail: [breadcrumb] })).toEqual([breadcrumb])
})
