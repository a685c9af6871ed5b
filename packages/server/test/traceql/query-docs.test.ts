import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { check } from '../../src/traceql/analyze/check.ts'
import { parse } from '../../src/traceql/syntax/parse.ts'

const text = await readFile(new URL('../../../../docs/query.md', import.meta.url), 'utf8')

/** Queries in code fences, one a line, and between backticks in text and tables. */
const queries = [
  ...[...text.matchAll(/```\n([^`]+)```/g)].flatMap(([, block = '']) => block.trim().split('\n')),
  ...[...text.replaceAll(/```[^`]*```/g, '').matchAll(/`([{(][^`]*[})0-9])`/g)].map(([, query = '']) =>
    query.replaceAll('\\|', '|').replaceAll('\n', ' '),
  ),
].filter((query) => /^[{(]\s*[{}a-z."!(]/.test(query) && !query.includes('…') && !query.includes('Unexpected'))

test('the reference has examples of everything', () => {
  expect(queries.length).toBeGreaterThan(40)
})

test.each(queries)('%s', (query) => {
  // What the reference says is not there.
  const missing = query.includes('avg(.a)') || query === '{ condition }'
  expect(isTaken(query)).toBe(!missing)
})

function isTaken(query: string): boolean {
  try {
    check(parse(query), query)
    return true
  } catch {
    return false
  }
}
