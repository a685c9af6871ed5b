import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeTraces, type TracesRequest } from '@spanlink/testkit/otlp'
import { transcodeTraces } from '../signals/transcode.ts'
import { openClusterStore } from '../../src/clickhouse/cluster/open-cluster.ts'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import type { Store, StoreOptions } from '../../src/clickhouse/store.ts'

export type StoredTraces = {
  readonly store: Store
  /** Stores a request as the receiver would, in one insert per table. */
  put(request: TracesRequest, token?: string): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Environment variable with a fresh database URL, set by the cluster tests for shared suites. */
const STORE = 'SPANLINK_TEST_STORE'

export function isOnCluster(): boolean {
  return process.env[STORE] !== undefined
}

/** A real engine in `dir`, or the cluster that the environment names. */
export function openTestStore(dir: string, options: StoreOptions = {}): Promise<Store> {
  const url = process.env[STORE]
  return url === undefined ? openEmbeddedStore(dir, options) : openClusterStore(url, options)
}

/** A real engine in a temporary directory, filled through the real codec. */
export async function openStoredTraces(): Promise<StoredTraces> {
  const dir = await mkdtemp(join(tmpdir(), 'spanlink-query-'))
  const store = await openTestStore(dir)
  let puts = 0
  return {
    store,
    put: async (request, token = `put-${(puts += 1)}`) => {
      const rows = transcodeTraces(encodeTraces(request), Math.floor(Date.now() / 1000))
      if (rows.rejectedSpans > 0) throw new Error(rows.rejectReason)
      await store.insert('sources', [rows.sources], token)
      await store.insert('trace_rows', [rows.spans], token)
      await store.insert('spans', [rows.spans], token)
    },
    [Symbol.asyncDispose]: async () => {
      await store.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
