import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { FlowResponse, LinksResponse, StatusResponse, TopologyResponse } from '@spanlink/api-schema'
import { kv, type OtlpSpan, tracesOf } from '@spanlink/testkit/otlp'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'
import { expect, test, vi } from 'vitest'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import { linkTo, MS, nowNano, span } from '../query/order-spans.ts'
import { openSpanlink } from '../signals/spanlink.ts'
import { openTestDirectory, runSpanlink } from './setup.ts'

vi.setConfig({ testTimeout: 240_000 })

const WAIT = { timeout: 60_000, interval: 50 }

const orders = [kv('messaging.system', 'kafka'), kv('messaging.destination.name', 'orders')]

/** A send, and the processing of its message in another trace. */
function createMessage(): readonly [send: OtlpSpan, process: OtlpSpan] {
  const start = nowNano() - 100n * MS
  const send = span({
    name: 'send orders',
    kind: 4,
    start,
    attributes: [...orders, kv('messaging.operation.type', 'send')],
  })
  const process = span({
    name: 'process orders',
    kind: 5,
    start: start + 20n * MS,
    links: [linkTo(send, 7)],
    attributes: [...orders, kv('messaging.operation.type', 'process'), kv('messaging.consumer.group.name', 'payments')],
  })
  return [send, process]
}

async function drained(server: SpanlinkServer): Promise<void> {
  await vi.waitUntil(async () => ((await server.getJson('/api/status')) as StatusResponse).journal.segments === 0, {
    timeout: 60_000,
    interval: 50,
  })
}

test('a backup under load has each span acknowledged before it once, with links and rollups', async () => {
  await using directory = await openTestDirectory()
  const dataDir = join(directory.path, 'data')
  const file = join(directory.path, 'backup.tar')
  const server = await startSpanlink({ dataDir })
  const acknowledged: OtlpSpan[] = []
  const sending = new AbortController()
  const sendAll = async (): Promise<void> => {
    while (!sending.signal.aborted) {
      const messages = Array.from({ length: 20 }, createMessage)
      const sent = messages.flat()
      expect((await server.sendSpans(tracesOf('shop', sent))).status).toBe(200)
      acknowledged.push(...sent)
    }
  }
  const senders = [sendAll(), sendAll(), sendAll()]
  await vi.waitUntil(() => acknowledged.length > 2000, WAIT)
  const [deleted] = acknowledged
  const path = `${server.url}/api/traces/${deleted?.traceId}`
  expect((await fetch(path, { method: 'DELETE' })).status).toBe(200)
  const before = acknowledged.filter(({ traceId }) => traceId !== deleted?.traceId)
  expect(await runSpanlink('backup', file, '--url', server.url)).toMatchObject({ code: 0 })
  const after = acknowledged.length
  await vi.waitUntil(() => acknowledged.length > after, WAIT)
  sending.abort()
  await Promise.all(senders)
  await server.stop()

  const restoredDir = join(directory.path, 'restored')
  const ended = await runSpanlink('restore', file, '--data', restoredDir)
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Restored [\d.]+ \w+ of 20/) })
  const restored = await startSpanlink({ dataDir: restoredDir })
  await drained(restored)
  const message = before.findLast(({ links }) => links !== undefined)
  const target = message?.links?.[0]?.traceId ?? ''
  const { links } = (await restored.getJson(`/api/traces/${target}/links?direction=in`)) as LinksResponse
  expect(links.map(({ peerTraceId }) => peerTraceId)).toEqual([message?.traceId])
  const { lanes } = (await restored.getJson(`/api/flows/${target}`)) as FlowResponse
  expect(new Set(lanes.map(({ traceId }) => traceId))).toEqual(new Set([target, message?.traceId]))
  expect(((await restored.getJson('/api/topology')) as TopologyResponse).edges.length).toBeGreaterThan(1)
  expect((await fetch(`${restored.url}/api/traces/${deleted?.traceId}`)).status).toBe(404)
  await restored.stop()

  const store = await openEmbeddedStore(restoredDir)
  const rows = await store.query<{ id: string; n: string }>(
    "select lower(hex(span_id)) as id, count() as n from trace_rows where type = 'span' group by span_id",
  )
  const searchRows = await store.query<{ id: string; n: string }>(
    'select lower(hex(span_id)) as id, count() as n from spans group by span_id',
  )
  const [sums] = await store.query<Record<string, string>>(
    `select (select sum(spans) from traffic_minutes) as counted, (select count() from spans) as spans,
      (select sum(length(links)) from spans) as links, (select count() from trace_rows where type = 'backlink') as backlinks`,
  )
  await store.close()
  const sort = (list: typeof rows) => list.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  expect(sort(rows)).toEqual(sort(searchRows))
  expect(rows.filter(({ n }) => n !== '1')).toEqual([])
  const ids = new Set(rows.map(({ id }) => id))
  expect(before.filter(({ spanId }) => !ids.has(spanId as string))).toEqual([])
  // The rollup counts the deleted span; its link's other end is kept.
  expect(Number(sums?.['counted'])).toBe(Number(sums?.['spans']) + 1)
  expect(Number(sums?.['backlinks'])).toBeLessThanOrEqual(Number(sums?.['links']))
  expect(Number(sums?.['backlinks'])).toBeGreaterThanOrEqual(Number(sums?.['links']) - 1)
})

test('a backup has rows that only the journal has', async () => {
  await using directory = await openTestDirectory()
  const dataDir = join(directory.path, 'data')
  const file = join(directory.path, 'backup.tar')
  const server = await startSpanlink({ dataDir })
  const [send, process] = createMessage()
  await server.sendSpans(tracesOf('shop', [send]))
  await drained(server)
  await server.sendSpans(tracesOf('shop', [process]))
  expect(await runSpanlink('backup', file, '--url', server.url)).toMatchObject({ code: 0 })
  await server.kill('SIGKILL')
  const restoredDir = join(directory.path, 'restored')
  expect(await runSpanlink('restore', file, '--data', restoredDir)).toMatchObject({ code: 0 })
  const restored = await startSpanlink({ dataDir: restoredDir })
  await drained(restored)
  for (const { traceId, spanId } of [send, process]) {
    expect(await restored.getJson(`/api/traces/${traceId}`)).toMatchObject({ spans: [{ spanId }] })
  }
  await restored.stop()
})

/** Starts a backup and leaves most of it unread. */
async function startUnreadBackup(url: string): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    get(`${url}/api/backup`, (response) => {
      response.on('error', () => {})
      response.once('readable', () => resolve(response))
    }).on('error', reject)
  })
}

test('the links of a backup are removed when the client leaves, and at the start after a kill', async () => {
  await using directory = await openTestDirectory()
  const dataDir = join(directory.path, 'data')
  const server = await startSpanlink({ dataDir })
  const text = (): string => Array.from({ length: 40 }, () => Math.random().toString(36)).join('')
  for (let request = 0; request < 40; request++) {
    const spans = Array.from({ length: 1000 }, () => span({ start: nowNano(), attributes: [kv('text', text())] }))
    await server.sendSpans(tracesOf('shop', spans))
  }
  await drained(server)
  const links = async (): Promise<string[]> => await readdir(join(dataDir, 'backup')).catch(() => [])

  const first = await startUnreadBackup(server.url)
  expect(await links()).toHaveLength(1)
  expect((await fetch(`${server.url}/api/backup`)).status).toBe(429)
  first.destroy()
  await vi.waitUntil(async () => (await links()).length === 0, WAIT)

  await startUnreadBackup(server.url)
  expect(await links()).toHaveLength(1)
  await server.kill('SIGKILL')
  expect(await links()).toHaveLength(1)
  const restarted = await startSpanlink({ dataDir })
  expect(await links()).toEqual([])
  expect(((await restarted.getJson('/api/status')) as StatusResponse).store.spans).toBe(40_000)
  const file = join(directory.path, 'backup.tar')
  expect(await runSpanlink('backup', file, '--url', restarted.url)).toMatchObject({ code: 0 })
  expect((await stat(file)).size).toBeGreaterThan(10_000_000)
  expect(await runSpanlink('backup', file, '--url', restarted.url)).toMatchObject({ code: 1 })
  await restarted.kill('SIGKILL')
  expect(await runSpanlink('backup', `${file}2`, '--url', restarted.url)).toMatchObject({ code: 4 })
  expect(existsSync(`${file}2.unfinished`)).toBe(false)
})

test('a backup of a ClickHouse server is refused with one line', async () => {
  await using spanlink = await openSpanlink()
  const { store } = spanlink
  const external = await openSpanlink({ store: { ...store, mode: 'cluster', backup: undefined } })
  const { status, body } = await external.get<{ detail: string }>('/api/backup')
  expect(status).toBe(501)
  expect(body.detail).toContain("use ClickHouse's BACKUP")
  await external.ingest.drain(0)
})
