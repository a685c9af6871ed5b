import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { messagingColumns } from './messaging-sql.ts'

test('the columns of the store are those of the table of names', async () => {
  const file = new URL('../../clickhouse/schema/sql/messaging_columns.sql', import.meta.url)
  expect(await readFile(file, 'utf8')).toBe(messagingColumns())
})
