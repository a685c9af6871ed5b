import { expect, test } from 'vitest'
import { createValuePattern, PatternError, REDACTED } from './value-pattern.ts'

function redact(source: string, text: string, ignoreCase = false): string {
  const bytes = Buffer.from(`before${text}after`)
  const redacted = createValuePattern(source, ignoreCase)(bytes, 6, bytes.length - 5)
  return redacted === undefined ? text : redacted.toString()
}

test.each([
  [String.raw`[\w.+-]+@[\w-]+\.[\w.]+`, 'from bob@example.com to a.b@c.de!', 'from [redacted] to [redacted]!'],
  [String.raw`\b\d{13,19}\b`, 'card 4111111111111111, order 123', 'card [redacted], order 123'],
  [String.raw`\b(?:\d[ -]?){13,19}\b`, 'card 4111 1111-1111 1111.', 'card [redacted].'],
  [String.raw`\b\d{13,19}\b`, '4111111111111111', '[redacted]'],
  ['eyJ[\\w-]+\\.[\\w-]+\\.[\\w-]+', 'Bearer eyJh.eyJz.c2ln', 'Bearer [redacted]'],
  ['[A-Z]{2}\\d{2}(?: ?[A-Z0-9]{4}){3,7}', 'IBAN DE89 3704 0044 0532 0130 00', 'IBAN [redacted] 00'],
  ['"password":"[^"]*"', '{"password":"päss","a":1}', '{[redacted],"a":1}'],
  ['x.', 'axéb', 'a[redacted]b'],
  ['[^a]', 'aéa', 'a[redacted]a'],
  ['^secret', 'secret secret', '[redacted] secret'],
  ['secret$', 'secret secret', 'secret [redacted]'],
  [String.raw`a\/b,c`, 'a/b,c', '[redacted]'],
])('/%s/ replaces its matches in %j', (source, text, expected) => {
  expect(redact(source, text)).toBe(expected)
})

test('the flag i ignores the case of letters', () => {
  expect(redact('tok[e]n', 'TOKEN ToKen', true)).toBe(`${REDACTED} ${REDACTED}`)
  expect(redact('tok[e]n', 'TOKEN')).toBe('TOKEN')
})

test.each([
  ['(a', 'missing closing )'],
  ['a*', 'it matches the empty text'],
  ['(a)\\1', 'invalid escape sequence'],
  ['(?=a)b', 'invalid or unsupported Perl syntax'],
  ['(a{1000}){1000}', 'invalid repeat count'],
])('/%s/ is rejected: %s', (source, message) => {
  expect(() => createValuePattern(source, false)).toThrow(PatternError)
  expect(() => createValuePattern(source, false)).toThrow(message)
})

test('bytes that are not UTF-8 are redacted too', () => {
  const bytes = Buffer.concat([Buffer.from([0xff, 0xc3]), Buffer.from('secret'), Buffer.from([0x80])])
  expect(createValuePattern('secret', false)(bytes, 0, bytes.length)?.toString()).not.toContain('secret')
})

test('a text above 64 KiB is replaced whole, as it is not searched', () => {
  expect(redact('secret', 'a'.repeat(2 ** 16))).toBe('a'.repeat(2 ** 16))
  expect(redact('secret', 'a'.repeat(2 ** 16 + 1))).toBe(REDACTED)
})
