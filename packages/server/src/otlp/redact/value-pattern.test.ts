import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RegexError } from './regex-syntax.ts'
import { createValuePattern, REDACTED } from './value-pattern.ts'

function redact(source: string, text: string, ignoreCase = false): string {
  const bytes = Buffer.from(`before${text}after`)
  const redacted = createValuePattern(source, ignoreCase)(bytes, 6, bytes.length - 5)
  return redacted === undefined ? text : redacted.toString()
}

test.each([
  [String.raw`[\w.+-]+@[\w-]+\.[\w.]+`, 'from bob@example.com to a.b@c.de!', 'from [redacted] to [redacted]!'],
  [String.raw`\b\d{13,19}\b`, 'card 4111111111111111, order 123', 'card [redacted], order 123'],
  [String.raw`\b\d{13,19}\b`, '4111111111111111', '[redacted]'],
  [String.raw`\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b`, '4111 1111-1111 1111', '[redacted]'],
  ['eyJ[\\w-]+\\.[\\w-]+\\.[\\w-]+', 'Bearer eyJh.eyJz.c2ln', 'Bearer [redacted]'],
  ['[A-Z]{2}\\d{2}(?: ?[A-Z0-9]{4}){3,7}', 'IBAN DE89 3704 0044 0532 0130 00', 'IBAN [redacted] 00'],
  ['"password":"[^"]*"', '{"password":"päss","a":1}', '{[redacted],"a":1}'],
  ['x.', 'axéb', 'a[redacted]b'],
  ['[^a]', 'aéa', 'a[redacted]a'],
  ['ä+', 'aääb', 'a[redacted]b'],
  ['^secret', 'secret secret', '[redacted] secret'],
  ['secret$', 'secret secret', 'secret [redacted]'],
  ['bc|abcd', 'abcde', '[redacted]e'],
  [String.raw`\d`, 'a123b4', 'a[redacted]b[redacted]'],
  [String.raw`a\/b,c`, 'a/b,c', '[redacted]'],
])('/%s/ replaces its matches in %j', (source, text, expected) => {
  expect(redact(source, text)).toBe(expected)
})

test('the flag i ignores the case of ASCII letters', () => {
  expect(redact('tok[e]n', 'TOKEN ToKen', true)).toBe(`${REDACTED} ${REDACTED}`)
  expect(redact('tok[e]n', 'TOKEN')).toBe('TOKEN')
})

const TOO_MANY_STATES = 'it needs too many states; use + instead of counts such as {6,18}'

test.each([
  ['(a', 'invalid regular expression'],
  ['a*', 'it matches the empty text'],
  ['\\b', 'it matches the empty text'],
  ['(a)\\1', 'back-references are not supported'],
  ['(?=a)b', 'only groups (…) and (?:…) are supported'],
  ['(?<name>a)', 'only groups (…) and (?:…) are supported'],
  ['a+?', 'lazy quantifiers are not supported'],
  ['\\p', 'the escape \\p is not supported'],
  ['[ä]', '[…] supports ASCII only'],
  ['(a{1000}){1000}', TOO_MANY_STATES],
  ['[ab]*a[ab]{20}', TOO_MANY_STATES],
])('/%s/ is rejected: %s', (source, message) => {
  expect(() => createValuePattern(source, false)).toThrow(new RegexError(message))
})

const leaf = fc.constantFrom(
  'a',
  'b',
  'é',
  '.',
  '[ab]',
  '[^a]',
  String.raw`\w`,
  String.raw`\W`,
  String.raw`\b`,
  '^',
  '$',
)
const { pattern: arbitraryPattern } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `${a}${b}`),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(${a}|${b})`),
    fc.tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{2,}')).map(([a, q]) => `(?:${a})${q}`),
  ),
}))

function isSupported(pattern: string): boolean {
  try {
    createValuePattern(pattern, false)
    return true
  } catch (error) {
    if (error instanceof RegexError) return false
    throw error
  }
}

test('a pattern matches where JavaScript finds a match', () => {
  const arbitraryText = fc.string({ unit: fc.constantFrom('a', 'b', 'é', ' ', '\n'), maxLength: 12 })
  fc.assert(
    fc.property(arbitraryPattern, arbitraryText, (pattern, text) => {
      fc.pre(isSupported(pattern))
      expect(redact(pattern, text).indexOf(REDACTED)).toBe(text.search(new RegExp(pattern, 'u')))
    }),
    { numRuns: 3000 },
  )
})

test('a value with too many matches is replaced whole', () => {
  expect(redact('a', 'ab'.repeat(2000))).toBe(REDACTED)
  expect(redact('a', 'ab'.repeat(1000))).toBe(`${REDACTED}b`.repeat(1000))
})

test.each([
  [String.raw`[\w.+-]+@[\w-]+\.[\w.]+`, 'a'],
  ['(a+)+b', 'a'],
  [String.raw`\w+\w+\w+\w+!`, 'a'],
  ['a(.*b)?', 'a'],
  [String.raw`\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b`, '1234-567 '],
])('/%s/ takes less than 200 ns a byte on hostile values', (source, unit) => {
  const pattern = createValuePattern(source, false)
  const bytes = Buffer.from(unit.repeat(2 ** 20 / unit.length))
  pattern(bytes, 0, bytes.length)
  const { user } = process.cpuUsage()
  pattern(bytes, 0, bytes.length)
  expect((process.cpuUsage().user - user) / bytes.length).toBeLessThan(0.2)
})
