import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Store } from '../../src/clickhouse/store.ts'
import { searchTraceQL } from '../../src/traceql/execute/search-traceql.ts'
import { openTestStore } from '../query/stored-traces.ts'
import { loadSpans } from './load.ts'
import { oneSpan } from './one-span.ts'

const start = 1_790_000_000_000_000_000n

let store: Store
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-traceql-'))
  store = await openTestStore(dir)
  const [a, b] = ['a', 'b'].map((service) => ({ 'service.name': service })) as [
    { readonly 'service.name': string },
    { readonly 'service.name': string },
  ]
  const root = oneSpan('GET', start, { kind: 'server', resource: a })
  const { traceId } = root
  const client = oneSpan('callC', start, {
    traceId,
    parentSpanId: root.spanId,
    kind: 'client',
    resource: a,
    attributes: { side: 'client' },
  })
  const server = { ...client, name: 'callS', kind: 'server', resource: b, attributes: { side: 'server' } } as const
  const inner = oneSpan('in-b', start, { traceId, parentSpanId: client.spanId, resource: b })
  await loadSpans(store, [root, client, server, inner])
})

afterAll(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

test.each([
  ['{ name = "in-b" && parent.side = "server" }', 1],
  ['{ name = "in-b" && parent.side = "client" }', 0],
  ['{ name = "callS" && parent.side = "client" }', 1],
  ['{ name = "callC" && parent.resource.service.name = "a" }', 1],
  ['{ name = "GET" && childCount = 1 }', 1],
  ['{ name = "callC" && childCount = 1 }', 1],
  ['{ name = "callS" && childCount = 1 }', 1],
  ['{ name = "in-b" && childCount = 0 }', 1],
])('for a client and a server that share an id, %s finds %i traces', async (query, count) => {
  const window = { start, end: start + 1_000_000_000n }
  const { traces } = await searchTraceQL(store, query, window)
  expect(traces).toHaveLength(count)
})
