import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { check } from '../analyze/check.ts'
import { TraceQLError } from './errors.ts'
import { parse } from './parse.ts'

function failure(text: string): TraceQLError {
  try {
    check(parse(text), text)
  } catch (error) {
    if (error instanceof TraceQLError) return error
    throw error
  }
  throw new Error(`${text} is accepted`)
}

function sourceOf(text: string): unknown {
  const query = parse(text)
  return query.kind === 'search' ? shape(query.pipeline.source) : undefined
}

/**
 * Reduces a tree to nested operators and operands, which shows precedence.
 */
function shape(node: unknown): unknown {
  if (typeof node !== 'object' || node === null || !('kind' in node)) return node
  if (node.kind === 'pipeline' && 'source' in node && 'stages' in node) return shape(node.source)
  if ('left' in node && 'right' in node && 'op' in node) return [shape(node.left), node.op, shape(node.right)]
  if (node.kind === 'filter' && 'condition' in node) return node.condition === undefined ? '{}' : shape(node.condition)
  if ('op' in node && 'operand' in node) return [node.op, shape(node.operand)]
  if ('key' in node) return node.key
  if ('name' in node) return node.name
  return 'value' in node ? node.value : node.kind
}

function outcome(text: string): string {
  try {
    check(parse(text), text)
    return 'accepted'
  } catch (error) {
    return error instanceof TraceQLError ? 'rejected' : String(error)
  }
}

describe('TraceQL precedence', () => {
  test('&& and || have equal precedence and are left-associative, as in Tempo', () => {
    expect(sourceOf('{ .a || .b && .c }')).toEqual([['a', '||', 'b'], '&&', 'c'])
    expect(sourceOf('{ .a } || { .b } && { .c }')).toEqual([['a', '||', 'b'], '&&', 'c'])
  })

  test('comparisons bind tighter than logical operators, arithmetic tighter than comparisons', () => {
    expect(sourceOf('{ .a = 1 + 2 * 3 && .b }')).toEqual([['a', '=', [1, '+', [2, '*', 3]]], '&&', 'b'])
    expect(sourceOf('{ .a - .b - .c = 0 }')).toEqual([[['a', '-', 'b'], '-', 'c'], '=', 0])
  })

  test('^ is right-associative and binds tightest', () => {
    expect(sourceOf('{ 2 ^ 3 ^ .a * 2 = 1 }')).toEqual([[[2, '^', [3, '^', 'a']], '*', 2], '=', 1])
  })

  test('structural operators bind tighter than && between spansets and are left-associative', () => {
    expect(sourceOf('{ .a } && { .b } >> { .c } ->> { .d }')).toEqual(['a', '&&', [['b', '>>', 'c'], '->>', 'd']])
  })
})

describe('TraceQL literals and names', () => {
  test.each([
    ['{ duration > 1h30m }', 5_400_000_000_000],
    ['{ duration > 1.5s }', 1_500_000_000],
    ['{ duration > 10us }', 10_000],
    ['{ duration > 10µs }', 10_000],
    ['{ duration > 1d }', 86_400_000_000_000],
    ['{ duration > .5s }', 500_000_000],
    ['{ duration > -5ms }', -5_000_000],
    ['{ duration > 1e3 }', 1000],
  ])('%s is parsed', (text, value) => {
    expect(sourceOf(text)).toEqual(['span:duration', '>', value])
  })

  test('an integer keeps its digits beyond 53 bits', () => {
    const query = parse('{ .offset = 9007199254740993 }')
    expect(query).toMatchObject({ pipeline: { source: { condition: { right: { text: '9007199254740993' } } } } })
  })

  test('an attribute name ends at a blank or operator, and quotes allow any character', () => {
    expect(sourceOf('{ span.http-x/y@z=1 }')).toEqual(['http-x/y@z', '=', 1])
    expect(sourceOf('{ ."a b {c}" = 1 }')).toEqual(['a b {c}', '=', 1])
    expect(sourceOf('{ span.a."b c".d = 1 }')).toEqual(['a.b c.d', '=', 1])
    expect(sourceOf('{ .a+1 = 1 }')).toEqual(['a+1', '=', 1])
  })

  test('a string in backticks has no escapes', () => {
    expect(sourceOf('{ .a = `b\\n"` }')).toEqual(['a', '=', 'b\\n"'])
  })

  test('link operators in a string are text', () => {
    expect(sourceOf('{ .a = "} ->> {" }')).toEqual(['a', '=', '} ->> {'])
  })

  test('any string is parsed from its quoted form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (value) => {
        expect(sourceOf(`{ .a = ${JSON.stringify(value).replaceAll('\\/', '/')} }`)).toEqual(['a', '=', value])
      }),
    )
  })
})

describe('TraceQL errors', () => {
  test('have the position and the expected tokens', () => {
    expect(failure('{ .a = }')).toMatchObject({ code: 'syntax', from: 7, to: 8, line: 1, column: 8 })
    expect(failure('{ .a = }').expected).toEqual(expect.arrayContaining(['a value', 'an attribute', '(']))
    expect(failure('{ .a = 1').expected).toEqual(expect.arrayContaining(['}', '&&']))
    expect(failure('{ } |\n{ } ||| { }')).toMatchObject({ code: 'syntax', line: 2, column: 7 })
    expect(failure('').message).toContain('Unexpected end of query, expected')
  })

  test.each([
    ['{ a = 1 }', 'write an attribute as .a'],
    ['{ span:nothing = 1 }', 'Unknown intrinsic "span:nothing"'],
    ['{ .a = "x }', 'no closing quote'],
    ['{ .a = "\\q" }', '"\\q" is not a valid escape'],
    ['{ .a = 5x }', 'is not a number or duration'],
    ['{ . = 1 }', 'attribute name is missing'],
    ['{ .a = # }', 'Unexpected character "#"'],
    ['{ } | topk(3)', 'topk'],
    ['{ } | compare({ }, 1001)', '1000 values'],
    ['{ } | compare({ }, 5, 2, 1)', 'a start before its end'],
    ['{ } | compare({ rootName = "a" })', 'on single spans'],
    ['{ } | rate() | topk(0)', 'a whole number above 0'],
    ['{ } | quantile_over_time(duration, 95)', 'a quantile between 0 and 1'],
    ['({ } | rate()', ')'],
  ])('%s is rejected with %s', (text, message) => {
    const error = failure(text)
    expect(`${error.message} ${error.expected.join(' ')}`).toContain(message)
    expect(error.from).toBeTypeOf('number')
  })

  test.each([
    ['{ duration > "5ms" }', 'without quotes'],
    ['{ status = "error" }', 'write error without quotes'],
    ['{ kind > server }', 'only = and !='],
    ['{ name > nil }', 'nil supports only = and !='],
    ['{ name = 5 }', 'text never equals a number'],
    ['{ name + 1 = 2 }', 'expected a number, got text'],
    ['{ duration }', 'Expected a condition, got a duration'],
    ['{ name && true }', 'expected a condition, got text'],
    ['{ !duration = 1ms }', 'expected a condition, got a duration'],
    ['{ .a =~ "(" }', 'not closed'],
    ['{ .a =~ "(?=b)" }', 'look-around'],
    ['{ .a =~ "(b)\\\\1" }', 'back-reference'],
    ['{ .a =~ "*" }', 'nothing to repeat'],
    ['{ .a =~ .b }', 'a quoted regular expression'],
    ['{ duration =~ "5" }', 'expected text, got a duration'],
    ['{ } | avg(name) > 1', 'expected a number or a duration, got text'],
    ['{ } | by(event:name)', 'many events'],
    ['{ link:traceID = .a }', 'compare with values only'],
    ['{ } | sum_over_time(status)', 'expected a number or a duration, got a status'],
  ])('%s is rejected with %s', (text, message) => {
    expect(failure(text).message).toContain(message)
  })

  test('a query that is too long or too deeply nested exceeds a limit', () => {
    expect(failure(`{ .a = "${'x'.repeat(9000)}" }`)).toMatchObject({ code: 'limit' })
    expect(failure(`${'('.repeat(2000)}{ }`)).toMatchObject({ code: 'limit' })
    expect(failure(`{ ${'!'.repeat(4000)}.a }`)).toMatchObject({ code: 'limit' })
    expect(failure(`{ 1${'+1'.repeat(4000)} = 2 }`)).toMatchObject({ code: 'limit' })
    expect(failure(`{}${'&&{}'.repeat(2000)}`)).toMatchObject({ code: 'limit' })
    expect(failure(`{}|1${'+1'.repeat(4000)}=2`)).toMatchObject({ code: 'limit' })
    expect(failure(`{ .a = ${'2^'.repeat(2000)}2 }`)).toMatchObject({ code: 'limit' })
  })

  test('any text is parsed or rejected with a TraceQLError', () => {
    const pieces = [
      '{',
      '}',
      '(',
      ')',
      '.a',
      'span.b',
      '=',
      '"x"',
      '5',
      '1ms',
      '&&',
      '->>',
      '|',
      'by',
      'rate',
      '-',
      '!',
      ',',
      ' ',
      '`',
      'nil',
    ]
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, (query) => {
        expect(outcome(query)).toBeOneOf(['accepted', 'rejected'])
      }),
      { numRuns: 2000 },
    )
  })
})
