import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAccess } from '../../src/cli/serve/open-access.ts'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { type Api, startApi } from '../../src/http/server.ts'
import { startIngest } from '../../src/receivers/ingest.ts'
import { writeCertificate } from '../access/certificate.ts'
import { writeToken } from '../access/write-token.ts'

export type ApiPort = {
  readonly api: Api
  /** Of the server's certificate. */
  readonly ca: Buffer
  readonly tokens: Readonly<Record<'read' | 'ingest' | 'limited', string>>
  readonly log: readonly string[]
  [Symbol.asyncDispose](): Promise<void>
}

export type ApiPortOptions = {
  /** @default 127.0.0.1 */
  readonly host?: string
  readonly isTls?: boolean
  readonly hasTokens?: boolean
  readonly timeouts?: Parameters<typeof startApi>[0]['timeouts']
  /** Replaces parts of the store. */
  readonly changeStore?: (store: Store) => Store
}

/** Starts the API with an empty store, in this process. */
export async function openApiPort(options: ApiPortOptions = {}): Promise<ApiPort> {
  const {
    host = '127.0.0.1',
    isTls = false,
    hasTokens = false,
    timeouts,
    changeStore = (store: Store) => store,
  } = options
  const dir = await mkdtemp(join(tmpdir(), 'spanlink-port-'))
  const tokensFile = join(dir, 'tokens.json')
  const tls = writeCertificate(dir)
  const tokens = {
    read: writeToken(tokensFile, ['read']),
    ingest: writeToken(tokensFile, ['ingest']),
    limited: writeToken(tokensFile, ['read'], { limits: { concurrentQueries: 1 } }),
  }
  const access = openAccess(
    { ...(hasTokens ? { tokensFile } : {}), ...(isTls ? { tls } : {}) },
    { host, dataDir: join(dir, 'data') },
    () => {},
  )
  const embedded = await openEmbeddedStore(join(dir, 'data'), { log: () => {} })
  const store = changeStore(embedded)
  const ingest = await startIngest({ dataDir: join(dir, 'journal'), store, otlpHttpPort: 0 })
  const log: string[] = []
  const api = await startApi({
    store,
    ingest,
    access,
    host,
    port: 0,
    version: '0.0.0',
    draining: () => false,
    log: (line) => void log.push(line),
    ...(timeouts && { timeouts }),
  })
  return {
    api,
    ca: await readFile(tls.certFile),
    tokens,
    log,
    [Symbol.asyncDispose]: async () => {
      await api.close()
      await ingest.drain(1000)
      await embedded.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
