import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { transcodeTraces } from '../signals/transcode.ts'
import { searchTraces } from '../../src/query/traces/search.ts'
import { type Access, connect } from '../../src/clickhouse/client.ts'
import { type Engine, startEngine } from '../../src/clickhouse/engine/engine.ts'
import { openClusterStore } from '../../src/clickhouse/cluster/open-cluster.ts'
import { nowNano, span } from '../query/order-spans.ts'

let dir: string
let engine: Engine
let access: Access
/**
 * A ClickHouse server as the driver sees one: an embedded engine behind a proxy that adds the
 * header it requires.
 */
const proxy = createServer((incoming, outgoing) => {
  const { host: _host, ...headers } = incoming.headers
  const upstream = request(
    access.url + incoming.url,
    { method: incoming.method, headers: { ...headers, ...access.headers } },
    (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(outgoing)
    },
  )
  upstream.on('error', () => outgoing.destroy())
  incoming.pipe(upstream)
})

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-cluster-'))
  engine = await startEngine({
    dataDir: dir,
    ping: (candidate) => connect(candidate).ping(),
    onReady: async (ready) => void (access = ready),
    onDown: () => {},
    log: () => {},
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  proxy.closeAllConnections()
  proxy.close()
  await engine.stop()
  await rm(dir, { recursive: true })
})

function storeUrl(password = access.password, database = 'spanlink'): string {
  const address = proxy.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return `clickhouse://spanlink:${password}@127.0.0.1:${port}/${database}`
}

test('a store on a ClickHouse server given by URL stores each insert token once and serves searches', async () => {
  const store = await openClusterStore(storeUrl())
  const rows = transcodeTraces(encodeTraces(tracesOf('shop', [span({ start: nowNano() })])), Date.now() / 1000)
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await store.insert('trace_rows', [rows.spans], 'segment-1')
    await store.insert('spans', [rows.spans], 'segment-1')
  }
  expect(await store.info()).toMatchObject({ spans: 1, traces: 1, restarts: 0 })
  expect(await searchTraces(store, { service: 'shop' }, {})).toMatchObject({ traces: [{ rootService: 'shop' }] })
  await store.close()
  expect(store.state()).toBe('down')
})

test('a store that rejects or is unreachable fails with one line without the password', async () => {
  for (const url of [storeUrl('wrong-secret'), 'clickhouse://u:wrong-secret@127.0.0.1:1/spanlink']) {
    const error: unknown = await openClusterStore(url).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: expect.stringMatching(/refused|unavailable/) })
    expect(String(error).trim().split('\n')).toHaveLength(1)
    expect(String(error)).not.toContain('wrong-secret')
  }
})

test.each(['postgres://x', 'nonsense', 'clickhouse://h/a-b', "clickhouse://h/x'; drop database spanlink"])(
  'the store URL %s is rejected with the flag --store',
  async (url) => {
    await expect(openClusterStore(url)).rejects.toMatchObject({ message: expect.stringContaining('--store') })
  },
)
