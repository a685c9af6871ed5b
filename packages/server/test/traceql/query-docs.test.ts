import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { check } from '../../src/traceql/analyze/check.ts'
import { parse } from '../../src/traceql/syntax/parse.ts'

const text = await readFile(new URL('../../../../docs/query.md', import.meta.url), 'utf8')

/** Queries in code fences, one per line, and in inline code. */
const queries = [
  ...[...text.matchAll(/```\n([^`]+)```/g)].flatMap(([, block = '']) => block.trim().split('\n')),
  ...[...text.replaceAll(/```[^`]*```/g, '').matchAll(/`([{(][^`]*[})0-9])`/g)].map(([, query = '']) =>
    query.replaceAll('\\|', '|').replaceAll('\n', ' '),
  ),
].filter((query) => /^[{(]\s*[{}a-z."!(]/.test(query) && !query.includes('…') && !query.includes('Unexpected'))

test('docs/query.md has more than 40 example queries', () => {
  expect(queries.length).toBeGreaterThan(40)
})

test.each(queries)('the query %s in docs/query.md is valid unless documented as unsupported', (query) => {
  // Documented as unsupported.
  const isUnsupported = query.includes('avg(.a)') || query === '{ condition }'
  expect(isValid(query)).toBe(!isUnsupported)
})

function isValid(query: string): boolean {
  try {
    check(parse(query), query)
    return true
  } catch {
    return false
  }
}
