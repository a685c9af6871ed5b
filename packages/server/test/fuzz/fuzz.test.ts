import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { expect, test } from 'vitest'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import { fuzz } from './fuzz-run.ts'

/** `npm run bench:fuzz` sends a million inputs. */
const INPUTS = 4000

test('every fuzzed request on any port gets an expected status, and the valid ones between are stored', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'spanlink-fuzz-'))
  const server = await startSpanlink({ dataDir })
  const enginePid = await server.enginePid()
  const { findings, goodTraces } = await fuzz({ server, seed: 1, from: 0, inputs: INPUTS, exporters: 8 })
  expect(findings).toEqual([])
  expect(goodTraces).toHaveLength(INPUTS / 25)
  expect(await server.enginePid()).toBe(enginePid)
  expect(await server.stop()).toBe(0)

  const store = await openEmbeddedStore(dataDir)
  const kept = await store.query<{ id: string }>(
    `select lower(hex(trace_id)) as id from spans where service = 'fuzz-good' order by id`,
  )
  await store.close()
  expect(kept.map(({ id }) => id)).toEqual([...goodTraces].sort())
  await rm(dataDir, { recursive: true })
}, 120_000)
