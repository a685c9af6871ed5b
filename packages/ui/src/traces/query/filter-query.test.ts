import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { filtersInQuery, buildQuery, withFilters } from './filter-query.ts'
import { highlightQuery } from './highlight-query.ts'

describe('search filters', () => {
  const anyFilters = fc.record(
    {
      service: fc.string({ minLength: 1 }),
      operation: fc.string({ minLength: 1 }),
      minDuration: fc.constantFrom('5ms', '1.5s', '1h30m'),
      maxDuration: fc.constantFrom('2m', '250us', '1d'),
      status: fc.constantFrom('error', 'ok', 'unset'),
    },
    { requiredKeys: [] },
  )

  test('are parsed back from the query that is built from them', () => {
    fc.assert(
      fc.property(anyFilters, (filters) => {
        expect(filtersInQuery(buildQuery(filters))).toEqual({ filters, rest: [] })
      }),
    )
  })

  test('keep the other conditions of a query when one is chosen', () => {
    const text = '{ .tenant = "a && b" && status = error }'
    expect(withFilters(text, { service: 'x' })).toBe(
      '{ resource.service.name = "x" && status = error && .tenant = "a && b" }',
    )
    expect(withFilters(text, { status: undefined })).toBe('{ .tenant = "a && b" }')
    expect(withFilters('{ status = error }', { status: undefined })).toBe('')
  })

  test('are added to the first spanset of a query with several spansets or stages', () => {
    expect(withFilters('{ kind = server } ->> { }', { service: 'x' })).toBe(
      '{ resource.service.name = "x" && kind = server } ->> { }',
    )
    expect(withFilters('{ } | count() > 3', { status: 'error' })).toBe('{ status = error } | count() > 3')
    expect(filtersInQuery('{ .a || .b }').rest).toBeUndefined()
  })

  test('query highlighting keeps every character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(
          highlightQuery(text)
            .map(([part]) => part)
            .join(''),
        ).toBe(text)
      }),
    )
    expect(highlightQuery('{ .a } ->> { status = error }').find(([, kind]) => kind === 'link')?.[0]).toBe('->>')
  })
})
