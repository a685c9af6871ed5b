import { expect, test } from 'vitest'
import { InvalidRedactListError } from './redact-list.ts'
import { createRedactor } from './redactor.ts'

test.each([
  ['user.email', ['user.email', 'USER.Email'], ['user.emails', 'user', '']],
  [
    'http.request.header.*',
    ['http.request.header.cookie', 'http.request.header.'],
    ['http.request.header', 'x.http.request.header.a'],
  ],
  ['*password*', ['password', 'db.Password.hash'], ['passwor']],
  ['a*b*c', ['abc', 'a1b2c', 'abbcc'], ['acb', 'ab', 'ac']],
  ['*a*a', ['aa', 'bab.a'], ['a', 'ab']],
  ['*', ['', 'any'], []],
  ['Straße', ['straße', 'STRAßE'], ['strasse']],
  [' a , b.c ', ['a', 'b.c'], ['c']],
])('%j hides the names that match, ignoring case', (list, hidden, stored) => {
  const { hidesName } = createRedactor(list)
  // Twice: the second result is cached.
  for (const name of [...hidden, ...hidden]) expect([name, hidesName(name)]).toEqual([name, true])
  for (const name of [...stored, ...stored]) expect([name, hidesName(name)]).toEqual([name, false])
})

test('names and patterns stand in one list, and patterns may contain commas', () => {
  const { hidesName, redactText } = createRedactor(String.raw`user.id,/\d{2,3}/,/a\/b/i , *token*`)
  const redact = (text: string) => redactText(Buffer.from(text), 0, text.length)?.toString()
  expect([hidesName('user.id'), hidesName('my.token'), hidesName('b')]).toEqual([true, true, false])
  expect(redact('x 123, A/B')).toBe('x [redacted], [redacted]')
  expect(redact('x 1')).toBeUndefined()
})

test.each([
  ['', '"" is neither an attribute name nor a /pattern/; in a pattern, write / as \\/'],
  ['a,,b', '",b" is neither an attribute name nor a /pattern/; in a pattern, write / as \\/'],
  ['a,', 'it ends in a comma'],
  ['/a', '"/a" is neither an attribute name nor a /pattern/; in a pattern, write / as \\/'],
  ['/a/g', '"/a/g" is neither an attribute name nor a /pattern/; in a pattern, write / as \\/'],
  ['a b', '"a b" is neither an attribute name nor a /pattern/; in a pattern, write / as \\/'],
  ['x,/(a/', '/(a/: error parsing regexp: missing closing ): `(a`'],
  ['//', '//: it matches the empty text'],
])('the list %j is rejected', (list, message) => {
  expect(() => createRedactor(list)).toThrow(new InvalidRedactListError(message))
})
