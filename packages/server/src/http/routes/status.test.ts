import { expect, test } from 'vitest'
import type { Store } from '../../clickhouse/store.ts'
import { statusSource } from './status.ts'

function readyAfter(stalledMs: number): unknown {
  const store = { state: () => 'ready' } as Partial<Store> as Store
  const ingest = { stalledMs: () => stalledMs } as Parameters<typeof statusSource>[0]['ingest']
  return statusSource({ store, ingest, version: '', draining: () => false, uiUrl: () => '' }).ready()
}

test('the server is not ready when nothing was stored for 30 s while segments wait', () => {
  expect(readyAfter(29_000)).toEqual({ ready: true })
  expect(readyAfter(31_000)).toEqual({
    ready: false,
    reason: 'Nothing was stored for 31 s while data waits; see the log.',
  })
})

test.each([
  ['http://0.0.0.0:4318', 'traces.example', 'http://traces.example:4318'],
  ['https://[::]:4318', '10.0.0.5', 'https://10.0.0.5:4318'],
  ['http://[::]:4318', '[fd00::1]', 'http://[fd00::1]:4318'],
  ['http://10.0.0.5:4318', 'traces.example', 'http://10.0.0.5:4318'],
  ['http://0.0.0.0:4318', '', 'http://0.0.0.0:4318'],
])('the receiver at %s, requested from host "%s", is reported as %s', async (otlpHttpUrl, host, reported) => {
  const store = { mode: 'embedded', state: () => 'ready', info: async () => await Promise.reject(new Error()) }
  const ingest = { otlpHttpUrl, journalDepth: () => ({}), quarantineDepth: () => ({}), stats: () => ({}) }
  const source = statusSource({
    store: store as unknown as Store,
    ingest: ingest as unknown as Parameters<typeof statusSource>[0]['ingest'],
    version: '',
    draining: () => false,
    uiUrl: () => '',
  })
  expect((await source.status(host)).endpoints.otlpHttp).toBe(reported)
})
