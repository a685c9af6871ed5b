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
