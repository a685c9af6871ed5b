import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedStore, openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import { type Ingest, startIngest } from '../../src/receivers/ingest.ts'

export type OpenIngest = {
  readonly store: EmbeddedStore
  readonly ingest: Ingest
  [Symbol.asyncDispose](): Promise<void>
}

/** A real engine in a temporary directory and an OTLP/HTTP receiver on a free port. */
export async function openIngest(): Promise<OpenIngest> {
  const dataDir = await mkdtemp(join(tmpdir(), 'spanlink-ingest-'))
  const store = await openEmbeddedStore(dataDir)
  const ingest = await startIngest({ dataDir, store, otlpHttpPort: 0 })
  return {
    store,
    ingest,
    [Symbol.asyncDispose]: async () => {
      await ingest.drain(2000)
      await store.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
