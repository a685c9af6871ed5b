import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Client } from '../../src/clickhouse/client.ts'
import { applySchema, readSchemaVersions } from '../../src/clickhouse/schema/schema.ts'
import { type BareEngine, startBareEngine } from './bare-engine.ts'

let dir: string
let engine: BareEngine
let client: Client
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-migration-'))
  engine = await startBareEngine(dir)
  client = engine.client
})
afterEach(async () => {
  await engine.stop()
  await rm(dir, { recursive: true, force: true })
})

test('a second schema version is applied once and in order, and a downgrade is rejected', async () => {
  await applySchema(client, 'spanlink')
  await client.command(`insert into sources (source_id, service) values (1, 'shop')`)
  const versions = [
    ...(await readSchemaVersions()),
    [
      'alter table {db}.sources add column if not exists team String',
      `alter table {db}.sources modify column team String default concat(service, ' team')`,
    ],
  ]
  await Promise.all([applySchema(client, 'spanlink', { versions }), applySchema(client, 'spanlink', { versions })])
  expect(await client.query('select service, team from sources')).toEqual([{ service: 'shop', team: 'shop team' }])
  expect(await client.query('select distinct version from schema_migrations order by version')).toEqual([
    { version: 1 },
    { version: 2 },
  ])

  await client.command('alter table sources drop column team')
  await applySchema(client, 'spanlink', { versions })
  const columns = `select count() as n from system.columns where table = 'sources' and name = 'team'`
  expect(await client.query(columns)).toEqual([{ n: '0' }])

  await expect(applySchema(client, 'spanlink')).rejects.toMatchObject({
    code: 'unsupported-schema',
    message:
      'Downgrades are not supported: a newer Spanlink wrote the data (schema 2, this one has 1). Update Spanlink.',
  })
})

test('an interrupted migration is repeated at the next start', async () => {
  const versions = await readSchemaVersions()
  const cut = [[...(versions[0] ?? []).slice(0, 4), 'create table {db}.nonsense']]
  await expect(applySchema(client, 'spanlink', { versions: cut })).rejects.toMatchObject({ code: 'refused' })
  await applySchema(client, 'spanlink')
  expect(await client.query('select version from schema_migrations')).toEqual([{ version: 1 }])
  expect(await client.query('select count() as n from trace_rows')).toEqual([{ n: '0' }])
})

test.each(['schema_version', 'span_links'])('pre-release data with %s is rejected and left unchanged', async (name) => {
  await client.command(`create table ${name} (version UInt32) engine = MergeTree order by version`)
  await expect(applySchema(client, 'spanlink')).rejects.toMatchObject({
    code: 'unsupported-schema',
    message: expect.stringContaining('Choose an empty --data directory'),
  })
  expect(await client.query(`select name from system.tables where database = 'spanlink'`)).toEqual([{ name }])
})

test('data that deletes cannot mark, of a pre-release, is rejected', async () => {
  await client.command('create table trace_rows (version UInt32) engine = MergeTree order by version')
  await expect(applySchema(client, 'spanlink')).rejects.toMatchObject({ code: 'unsupported-schema' })
})
