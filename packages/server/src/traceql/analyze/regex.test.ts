import { expect, test } from 'vitest'
import { findRegexProblem } from './regex.ts'

test.each([
  'a.*b',
  '',
  'a|b',
  '(a|b)+?c',
  '(?i)abc',
  '(?i:abc)d',
  '(?P<name>a)',
  '[a-z]+',
  '[]a]',
  '[^]a]',
  '[[:alpha:]_]',
  'a{2}',
  'a{2,}',
  'a{2,5}?',
  '{',
  'a{x',
  '\\d+\\.\\w',
  '\\p{Greek}',
  '\\Qa(b\\E'.replace('(', ''),
  '^a$',
  '()',
  '(a)*',
])('the regular expression %s is accepted', (pattern) => {
  expect(findRegexProblem(pattern)).toBeUndefined()
})

test.each([
  '(',
  ')',
  'a)|(b',
  '[a',
  '(?=a)',
  '(?!a)',
  '(?<=a)',
  '(?<!a)',
  '(?',
  '\\1',
  '\\',
  'a**',
  '*a',
  '+',
  '(*a)',
  'a|*',
  'a{1001}',
  'a{5,2}',
  '\\y',
  '\\k<a>',
])('the regular expression %s is rejected', (pattern) => {
  expect(findRegexProblem(pattern)).toBeTypeOf('string')
})
