import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { tableNames } from '../tables.ts'
import { toReplicated } from './replicated-tables.ts'

test.each(tableNames)('the table %s has a replicated form', async (name) => {
  const rewritten = toReplicated(await readFile(new URL(`../schema/${name}.sql`, import.meta.url), 'utf8'))
  expect(rewritten).toMatch(
    /engine = Replicated\w*MergeTree\('\/clickhouse\/tables\/\{shard\}\/\{database\}\/\{table\}', '\{replica\}'/,
  )
  expect(rewritten).not.toContain('non_replicated')
})

test('a statement that creates no table is not rewritten', () => {
  const statement = 'alter table spans add column if not exists x String'
  expect(toReplicated(statement)).toBe(statement)
})

test("parameters of a table engine follow the replica's", () => {
  expect(toReplicated('engine = ReplacingMergeTree(received)\norder by x')).toBe(
    "engine = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', received)\norder by x",
  )
})
