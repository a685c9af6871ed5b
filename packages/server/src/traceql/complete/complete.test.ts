import { describe, expect, test } from 'vitest'
import { complete } from './complete.ts'

/** `|` is written as `¦` where it stands for the caret. */
function at(query: string): ReturnType<typeof complete> {
  const caret = query.indexOf('¦')
  return complete(query.replace('¦', ''), caret)
}

function texts(query: string): readonly string[] {
  return at(query).options.map((option) => option.text)
}

describe('TraceQL completion', () => {
  test('an empty query is completed by spansets and stages', () => {
    expect(texts('¦')).toEqual(expect.arrayContaining(['{', '(', 'by', 'count']))
  })

  test('the start of a filter is completed by scopes and intrinsics with the typed prefix', () => {
    expect(texts('{ ¦')).toEqual(
      expect.arrayContaining(['span.', 'resource.', 'duration', 'span:name', 'link:traceID']),
    )
    expect(texts('{ res¦ }')).toEqual(['resource.'])
    expect(texts('{ span:st¦')).toEqual(['span:status', 'span:statusMessage'])
    expect(at('{ res¦ }')).toMatchObject({ from: 2, to: 5 })
  })

  test('a scope is completed by its attribute keys only', () => {
    expect(at('{ span.http.m¦')).toMatchObject({
      options: [],
      keys: { scope: 'span', parent: false, prefix: 'http.m' },
    })
    expect(at('{ .us¦')).toMatchObject({ keys: { scope: 'any', prefix: 'us' } })
    expect(at('{ parent.resource.s¦')).toMatchObject({ keys: { scope: 'resource', parent: true, prefix: 's' } })
    expect(at('{ span.a = 1 && resource.¦ }')).toMatchObject({ keys: { scope: 'resource', prefix: '' } })
  })

  test('a field is completed by operators', () => {
    expect(texts('{ span.a ¦')).toEqual(expect.arrayContaining(['=', '!=', '=~', '>', '&&', '}']))
    expect(texts('{ span.a = 1 ¦')).toEqual(expect.arrayContaining(['&&', '||', '}']))
  })

  test('an operator is completed by values of its field', () => {
    expect(texts('{ status = ¦')).toEqual(expect.arrayContaining(['error', 'ok', 'unset']))
    expect(texts('{ kind = s¦')).toEqual(['server'])
    expect(at('{ resource.service.name = ¦')).toMatchObject({
      valuesOf: { field: 'resource.service.name', quoted: false },
    })
    expect(at('{ name = "val¦" }')).toMatchObject({ from: 9, valuesOf: { field: 'name', quoted: true } })
  })

  test('a spanset is completed by spanset operators, link operators included', () => {
    expect(texts('{ } ¦')).toEqual(expect.arrayContaining(['&&', '>>', '!>', '&~', '->>', '<<-', '&->>', '|']))
  })

  test('a pipe is completed by stages and metrics functions', () => {
    expect(texts('{ } | ¦')).toEqual(expect.arrayContaining(['by', 'select', 'count', 'rate', 'quantile_over_time']))
    expect(texts('{ } | qu¦')).toEqual(['quantile_over_time'])
    expect(texts('{ } | rate() ¦')).toEqual(expect.arrayContaining(['by', '|']))
    expect(texts('{ } | rate() | ¦')).toEqual(expect.arrayContaining(['topk', 'bottomk']))
  })

  test('a query with a syntax error before the caret has no completions', () => {
    expect(at('{ span.a = = ¦')).toMatchObject({ options: [], keys: undefined })
    expect(at('} ¦')).toMatchObject({ options: [] })
  })

  test('text after the caret does not matter', () => {
    expect(texts('{ res¦ && } nonsense')).toEqual(['resource.'])
  })
})
