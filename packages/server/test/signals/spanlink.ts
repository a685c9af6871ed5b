import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { startApi } from '../../src/http/server.ts'
import { type Ingest, type IngestOptions, startIngest } from '../../src/receivers/ingest.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { openTestStore } from '../query/stored-traces.ts'

export type Spanlink = {
  readonly store: Store
  readonly ingest: Ingest
  /** Sends protobuf to a path of the OTLP/HTTP receiver, and expects it to be accepted whole. */
  send(path: string, body: Uint8Array): Promise<void>
  /** Waits until everything sent is queryable. */
  stored(): Promise<unknown>
  get<Body>(path: string, query?: Query): Promise<{ readonly status: number; readonly body: Body }>
  /** Sends `DELETE path`. */
  delete<Body>(path: string, query?: Query): Promise<{ readonly status: number; readonly body: Body }>
  [Symbol.asyncDispose](): Promise<void>
}

type Query = Readonly<Record<string, string | readonly string[]>>

/** Receivers, engine and API in this process, on free ports and in a temporary directory. */
export async function openSpanlink(options: Partial<IngestOptions> = {}): Promise<Spanlink> {
  const dataDir = await mkdtemp(join(tmpdir(), 'spanlink-signals-'))
  const store = options.store ?? (await openTestStore(dataDir, options.log === undefined ? {} : { log: options.log }))
  const ingest = await startIngest({ dataDir, store, otlpHttpPort: 0, ...options })
  const api = await startApi({
    store,
    ingest,
    version: '0.0.0',
    host: '127.0.0.1',
    port: 0,
    draining: () => false,
    log: () => {},
  })
  const request = async <Body>(method: string, path: string, query: Query = {}) => {
    const url = new URL(path, api.url)
    for (const [name, values] of Object.entries(query)) {
      for (const value of [values].flat()) url.searchParams.append(name, value)
    }
    const response = await fetch(url, { method })
    return { status: response.status, body: (await response.json()) as Body }
  }
  return {
    store,
    ingest,
    send: async (path, body) => {
      const headers = { 'content-type': 'application/x-protobuf' }
      const init = { method: 'POST', headers, body: Buffer.from(body) }
      const response = await fetch(new URL(path, ingest.otlpHttpUrl), init)
      expect([response.status, await response.text()]).toEqual([200, ''])
    },
    stored: () => vi.waitUntil(() => ingest.journalDepth().segments === 0, { timeout: 10_000, interval: 20 }),
    get: (path, query) => request('GET', path, query),
    delete: (path, query) => request('DELETE', path, query),
    [Symbol.asyncDispose]: async () => {
      await api.close()
      await ingest.drain(2000)
      await store.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
