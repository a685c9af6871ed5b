import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { messagingColumns } from './messaging-sql.ts'
import { messagingNames, operationWords } from './semconv.ts'

test('the columns of the store are those of the table of names', async () => {
  const file = new URL('../../store/sql/topology_columns.sql', import.meta.url)
  expect(await readFile(file, 'utf8')).toBe(messagingColumns())
})

test('no name stands for two things', () => {
  const names = Object.values(messagingNames).flat()
  expect(new Set(names).size).toBe(names.length)
})

test.each([
  ['publish', 'send'],
  ['deliver', 'process'],
  ['poll', 'receive'],
  ['commit', 'settle'],
])('%s is an older word for %s', (word, operation) => {
  expect(operationWords[word]).toBe(operation)
})
