import { parser } from '@grafana/lezer-traceql'
import { describe, expect, test } from 'vitest'
import { parse } from '../../src/traceql/syntax/parse.ts'
import { metrics, searches } from './queries.ts'

/**
 * Grafana's editor, Tempo and Spanlink must accept the same queries. Grafana's grammar marks what
 * it does not know as an error and continues; these are the features that it does not know.
 */
const unknownToGrafana: readonly (readonly [RegExp, string])[] = [
  [/->>|<<-/, 'operators over links, a Spanlink extension'],
  [/childCount|nestedSet/, 'Tempo intrinsics it lacks'],
  [/\\/, 'escapes in strings'],
  [/\dh\d/, 'durations of more than one unit'],
  [/\(duration, \./, 'numbers that begin with a dot'],
  [/^\(.*\)\s*[-+*/]|^-?\d+ \*/, 'arithmetic of metrics'],
  [/(?:rate|_over_time)\(.*\).*(?:topk\(\d+\) )?(?:>|>=|!=) ?\d/, 'comparisons of metrics'],
  [/max_over_time\(.* \+/, 'expressions in a metrics function'],
  [/\) with/, 'hints after a metrics function'],
  [/\| by\(\w+, \w+\)/, 'several fields of by() in a search'],
  [/^count/, 'a leading stage'],
  [/\^ 2 = 36|\^ 0 =/, 'powers'],
  [/minInt|maxInt/, 'limits of integers, which Tempo knows'],
]

const queries = [...searches, ...metrics].map((text) => ({
  text,
  unknown: unknownToGrafana.find(([pattern]) => pattern.test(text))?.[1],
}))

describe('a query is accepted by the grammars of Grafana and Spanlink', () => {
  test.each(queries.filter(({ unknown }) => unknown === undefined).map(({ text }) => text))('%s', (text) => {
    expect(() => parse(text)).not.toThrow()
    expect(errorsOf(text)).toEqual([])
  })
})

describe('an invalid query is rejected by the grammars of Grafana and Spanlink', () => {
  test.each([
    '{',
    '}',
    '{ .a = }',
    '{ .a = 1',
    '{ a = 1 }',
    '{ .a == 1 }',
    '{ } >> ',
    '{ } | ',
    '{ } | count(',
    '{ } | by()',
    '{ } | rate( by (.a)',
    '{ } { }',
    '{ .a = "x }',
    '{ && .a }',
    '({ }',
  ])('%s', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'syntax' }))
    expect(errorsOf(text)).not.toEqual([])
  })
})

function errorsOf(text: string): readonly string[] {
  const errors: string[] = []
  parser.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError) errors.push(`${node.from}: ${text.slice(node.from, node.to)}`)
    },
  })
  return errors
}
