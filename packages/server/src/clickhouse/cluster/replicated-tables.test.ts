import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { replicated } from './replicated-tables.ts'

const folder = new URL('../schema/sql/', import.meta.url)
const statements = await Promise.all(
  (await readdir(folder)).map(async (file) => ({ file, text: await readFile(new URL(file, folder), 'utf8') })),
)
const [tables, others] = [true, false].map((creates) =>
  statements.filter(({ text }) => text.includes('create table') === creates),
) as [typeof statements, typeof statements]

test.each(tables)('$file has a replicated form', ({ text }) => {
  const rewritten = replicated(text)
  expect(rewritten).toMatch(
    /engine = Replicated\w*MergeTree\('\/clickhouse\/tables\/\{shard\}\/\{database\}\/\{table\}', '\{replica\}'/,
  )
  expect(rewritten).not.toContain('non_replicated')
})

test.each(others)('$file stays as it is', ({ text }) => {
  expect(replicated(text)).toBe(text)
})

test("an engine's own parameters follow the replica's", () => {
  expect(replicated('engine = ReplacingMergeTree(received)\norder by x')).toBe(
    "engine = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', received)\norder by x",
  )
})
