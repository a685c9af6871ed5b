import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sendUntilFailure } from '@spanlink/testkit/send-until-failure'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { expect, test } from 'vitest'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'

/** `npm run bench:durability` kills a thousand times. */
const KILLS = 24

/** Concurrent, each with its own data directory: half of a start is waiting. */
const SERVERS = 2

/**
 * Short enough for a kill to fall before, into and after a segment's insert, which begins 300 ms
 * after its first request.
 */
const MAX_RUN_MS = 700

test('acknowledged spans and their links are stored once when the server is killed at any moment', async () => {
  const runs = await Promise.all(Array.from({ length: SERVERS }, () => killRepeatedly(KILLS / SERVERS)))
  for (const { acked, unacknowledged, spans, links } of runs) {
    const stored = new Set(spans)
    const linked = new Set(links)
    // Stored once, span and both rows of its link.
    expect(spans).toHaveLength(stored.size)
    expect(links).toHaveLength(linked.size)
    expect(acked.filter((id) => !stored.has(id))).toEqual([])
    expect(acked.filter((id) => !linked.has(`out ${id}`) || !linked.has(`in ${id}`))).toEqual([])
    // Spans without a response may be stored or not; no others are.
    const sent = new Set([...acked, ...unacknowledged])
    expect(spans.filter((id) => !sent.has(id))).toEqual([])
    expect(acked.length).toBeGreaterThan(0)
  }
}, 600_000)

type Run = {
  readonly acked: readonly string[]
  readonly unacknowledged: readonly string[]
  readonly spans: readonly string[]
  readonly links: readonly string[]
}

async function killRepeatedly(kills: number): Promise<Run> {
  const dataDir = await mkdtemp(join(tmpdir(), 'spanlink-kill-'))
  const acked: string[] = []
  const unacknowledged: string[] = []
  for (let kill = 0; kill < kills; kill++) {
    const server = await startSpanlink({ dataDir })
    const enginePid = kill % 4 === 0 ? await server.enginePid() : undefined
    const exporters = [1, 2, 3].map(() =>
      sendUntilFailure(server, (spanIds, status) => {
        if (status === 200) acked.push(...spanIds)
        else if (status === undefined) unacknowledged.push(...spanIds)
      }),
    )
    await sleep(Math.random() * MAX_RUN_MS)
    if (enginePid !== undefined) process.kill(enginePid, 'SIGKILL')
    await server.kill('SIGKILL')
    await Promise.all(exporters)
  }
  // The last run stores the rest of the journal.
  const server = await startSpanlink({ dataDir })
  while (((await server.getJson('/api/status')) as Status).journal.bytes > 0) await sleep(50)
  expect(await server.stop()).toBe(0)

  const store = await openEmbeddedStore(dataDir)
  const spans = await store.query<{ id: string }>('select lower(hex(span_id)) as id from spans')
  const links = await store.query<{ id: string; direction: string }>(
    `select lower(hex(span_id)) as id, 'out' as direction from spans array join links
    union all select lower(hex(substring(head, 17, 8))), 'in' from trace_rows where type = 'backlink'`,
  )
  await store.close()
  await rm(dataDir, { recursive: true, force: true })
  return {
    acked,
    unacknowledged,
    spans: spans.map((span) => span.id),
    links: links.map((link) => `${link.direction} ${link.id}`),
  }
}

type Status = { readonly journal: { readonly bytes: number } }
