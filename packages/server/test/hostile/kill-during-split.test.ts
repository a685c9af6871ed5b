import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeTraces, generateSpans } from '@spanlink/testkit/otlp'
import { expect, test } from 'vitest'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import { killDuringSplit } from './kill-during-split.ts'

const SPANS = 24_000
const KILLS = 4

test('a server killed while it splits a large request stores each row once', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'spanlink-killed-split-'))
  const body = Buffer.from(encodeTraces(generateSpans({ spans: SPANS, attributes: 10, linkRatio: 0.25, seed: 3 })))
  expect(await killDuringSplit(dataDir, {}, body, KILLS)).toBe(0)

  const store = await openEmbeddedStore(dataDir)
  const [counts] = await store.query(
    `select (select count() from spans) as spans, (select uniqExact(trace_id, span_id) from spans) as unique,
      (select sum(spans) from traffic_minutes) as summed, (select count() from trace_rows where type = 'span') as fetched,
      (select count() from trace_rows where type = 'backlink') as links,
      (select uniqExact(trace_id, span_id, concat(substring(head, 1, 24), substring(head, 41, 4))) from trace_rows where type = 'backlink') as uniqueLinks`,
  )
  await store.close()
  await rm(dataDir, { recursive: true })
  const { spans, links, uniqueLinks, ...rest } = counts as Record<string, string | number>
  expect({ spans, ...rest }).toEqual({
    spans: String(SPANS),
    unique: String(SPANS),
    summed: String(SPANS),
    fetched: String(SPANS),
  })
  expect(Number(links)).toBeGreaterThan(0)
  expect(uniqueLinks).toBe(links)
}, 240_000)
