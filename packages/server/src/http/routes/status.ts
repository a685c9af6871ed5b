import type { ReadyResponse, StatusResponse } from '@spanlink/api-schema'
import type { Store, StoreInfo } from '../../clickhouse/store.ts'

export type StatusSource = {
  ready(): ReadyResponse
  /** @param requestHost host of the request; replaces wildcard addresses in the endpoints */
  status(requestHost?: string): Promise<StatusResponse>
}

/** Receiver part of the status. */
export type IngestStatus = {
  readonly otlpHttpUrl: string
  readonly otlpGrpcUrl?: string
  stats(): StatusResponse['ingest']
  journalDepth(): StatusResponse['journal']
  quarantineDepth(): StatusResponse['quarantine']
  stalledMs(): number
  kafkaStatus?(): StatusResponse['kafka']
}

export type StatusOptions = {
  readonly store: Store
  readonly version: string
  readonly ingest: IngestStatus
  /** True from the first signal to stop. */
  readonly draining: () => boolean
  /** Requests of the API that were rejected for their credentials. */
  readonly rejected?: () => StatusResponse['access']
  /** With the host that the server listens on, which may be a wildcard address. */
  readonly uiUrl: () => string
}

export function statusSource(options: StatusOptions): StatusSource {
  const { store, ingest } = options
  const started = performance.now()
  let lastInfo: StoreInfo | undefined
  return {
    ready: () => {
      if (options.draining()) return { ready: false, reason: 'The server is stopping.' }
      const state = store.state()
      if (state !== 'ready') return { ready: false, reason: `ClickHouse is ${state}.` }
      const stalledSeconds = Math.floor(ingest.stalledMs() / 1000)
      if (stalledSeconds < MAX_STALLED_SECONDS) return { ready: true }
      return { ready: false, reason: `Nothing was stored for ${stalledSeconds} s while data waits; see the log.` }
    },
    status: async (requestHost = '') => {
      // While the engine is unavailable, the last counts are returned; `engine.state` shows that.
      const info = await store.info().catch(() => lastInfo)
      lastInfo = info
      const { otlpHttpUrl: otlpHttp, otlpGrpcUrl: otlpGrpc } = ingest
      return {
        version: options.version,
        uptimeSeconds: Math.round((performance.now() - started) / 100) / 10,
        engine: {
          mode: store.mode,
          version: info?.version ?? '',
          state: store.state(),
          restarts: info?.restarts ?? 0,
        },
        journal: pick(ingest.journalDepth(), ['segments', 'bytes', 'tornBytes', 'unreadableBytes']),
        quarantine: pick(ingest.quarantineDepth(), ['segments', 'bytes', 'lastError']),
        ingest: ingest.stats(),
        access: options.rejected?.() ?? { unauthenticated: 0, forbidden: 0, rateLimited: 0 },
        kafka: ingest.kafkaStatus?.(),
        store: {
          spans: info?.spans ?? 0,
          links: info?.links ?? 0,
          traces: info?.traces ?? 0,
          bytesOnDisk: info?.bytesOnDisk ?? 0,
        },
        corruptParts: pick(info?.corruptParts ?? NO_CORRUPT_PARTS, ['count', 'bytes', 'tables']),
        damagedRows: store.damagedRows.count(),
        endpoints: {
          ui: replaceWildcard(options.uiUrl(), requestHost),
          otlpHttp: replaceWildcard(otlpHttp, requestHost),
          ...(otlpGrpc === undefined ? {} : { otlpGrpc: replaceWildcard(otlpGrpc, requestHost) }),
        },
      }
    },
  }
}

/** Clients on other machines cannot connect to `0.0.0.0` or `::`: returns the URL with `host`. */
export function replaceWildcard(url: string, host: string): string {
  const parsed = new URL(url)
  if (parsed.hostname !== '0.0.0.0' && parsed.hostname !== '[::]') return url
  // The setter ignores an empty or invalid host.
  parsed.hostname = host
  return parsed.origin
}

const NO_CORRUPT_PARTS = { count: 0, bytes: 0, tables: [], lost: [] }

const MAX_STALLED_SECONDS = 30

function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>
}
