import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { kv, randomSpanId, randomTraceId, tracesOf } from '@spanlink/testkit/otlp'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 120_000 })

test('serve --redact keeps secrets out of the API and the data directory, from every HTTP receiver', async () => {
  const list = String.raw`*password*,kafka.message.key,/[\w.]+@[\w.]+/`
  await using server = await startSpanlink({ env: { SPANLINK_REDACT: list } })
  const [traceId, jsonTraceId, zipkinTraceId] = [randomTraceId(), randomTraceId(), randomTraceId()]
  const start = BigInt(Date.now()) * 1_000_000n
  const create = (id: string) =>
    tracesOf('orders', [
      {
        traceId: id,
        spanId: randomSpanId(),
        name: 'send orders to bob@example.com',
        kind: 4,
        startTimeUnixNano: String(start),
        endTimeUnixNano: String(start + 1_000_000n),
        attributes: [
          kv('messaging.system.name', 'kafka'),
          kv('messaging.destination.name', 'orders'),
          kv('kafka.message.key', 'customer-4711'),
          kv('db.password', 'hunter2hunter2'),
          kv('note', 'for bob@example.com'),
        ],
      },
    ])
  const post = async (path: string, body: object) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    const response = await fetch(server.otlpHttp + path, init)
    expect(response.ok).toBe(true)
  }
  expect((await server.sendSpans(create(traceId))).status).toBe(200)
  await post('/v1/traces', create(jsonTraceId))
  await post('/api/v2/spans', [
    {
      traceId: zipkinTraceId,
      id: 'a1',
      name: 'bob@example.com',
      timestamp: Date.now() * 1000,
      duration: 1,
      tags: { 'db.password': 'hunter2hunter2', error: 'no bob@example.com' },
    },
  ])
  for (const id of [traceId, jsonTraceId, zipkinTraceId]) {
    const trace = await vi.waitUntil(() => server.getJson(`/api/traces/${id}`).catch(() => undefined), {
      timeout: 30_000,
      interval: 100,
    })
    const text = JSON.stringify(trace)
    expect(text).toContain('[redacted]')
    expect(text).not.toMatch(/bob@|hunter2|4711/)
  }
  for (const file of await readdir(server.dataDir, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue
    // ClickHouse moves and deletes files of merged parts.
    const bytes = await readFile(join(file.parentPath, file.name), 'latin1').catch(() => '')
    expect([file.name, /bob@example|hunter2hunter2|customer-4711/.exec(bytes)?.[0]]).toEqual([file.name, undefined])
  }
  expect(server.stderr()).not.toMatch(/bob@|hunter2|4711/)
})
