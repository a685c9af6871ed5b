import { startApi } from '../../http/server.ts'
import { type Ingest, type IngestOptions, startIngest } from '../../receivers/ingest.ts'
import type { KafkaAccess } from '../../receivers/kafka/access.ts'
import { loadKafkaJs } from '../../receivers/kafka/client.ts'
import { startSelfTracing } from '../../http/self-tracing/self-tracing.ts'
import { findSignal } from '../../receivers/signals.ts'
import { traceStore } from '../../http/self-tracing/traced-store.ts'
import { lockDataDir } from '../../clickhouse/engine/data-dir.ts'
import { checkPlatform } from '../../clickhouse/engine/engine-library.ts'
import { openClusterStore } from '../../clickhouse/cluster/open-cluster.ts'
import { openEmbeddedStore } from '../../clickhouse/engine/open-embedded.ts'
import type { Retention, Store } from '../../clickhouse/store.ts'
import type { Log } from '../../log.ts'
import { divideMemory } from '../../runtime/memory-limits.ts'
import type { KafkaOptions } from './kafka-options.ts'
import { logStore } from './log-store.ts'
import { probePort } from './port-probe.ts'
import { openAccess } from './open-access.ts'
import { readAuthorities, readCertificate } from './read-tls.ts'
import { resolveRetention } from './retention-limits.ts'
import type { ServeOptions } from './serve-options.ts'
import type { GcOptions } from '../../runtime/gc-scheduler.ts'
import { PortError } from './start-error.ts'
import { version } from '../version.ts'

export type SpanlinkServer = {
  /** Pages and API, with the real port. */
  readonly url: string
  /** Base endpoint for OTLP/HTTP exporters, with the real port. */
  readonly otlpHttpUrl: string
  /** Endpoint for OTLP/gRPC exporters, with the real port. */
  readonly otlpGrpcUrl: string
  /** Absolute. */
  readonly dataDir: string
  readonly retention: Required<Retention>
  /** For scheduleGc, which collects garbage of the whole process. */
  readonly memory: GcOptions
  /**
   * Rejects new data, inserts acknowledged rows for up to `deadlineMs` (default 3000) and stops.
   * Idempotent.
   */
  close(deadlineMs?: number): Promise<void>
}

const DEFAULT_DATA_DIR = '.spanlink'

/** Starts a Spanlink server in this process. */
export async function serve(options: ServeOptions = {}, log: Log = () => {}): Promise<SpanlinkServer> {
  checkPlatform()
  const { host = '127.0.0.1', port = 4319, otlpHttpPort = 4318, otlpGrpcPort = 4317 } = options
  const shares = divideMemory(options.memoryBytes, options.store === undefined ? 'embedded' : 'elsewhere')
  let draining = false
  const closers: (() => Promise<void>)[] = []
  // Before the data directory is made: a missing file or package leaves none behind.
  const access = openAccess(options.access ?? {}, { host, dataDir: options.dataDir ?? DEFAULT_DATA_DIR }, log)
  const kafka = readKafkaAccess(options)
  if (kafka !== undefined) loadKafkaJs()
  closers.push(async () => access.tls?.close())
  const ports = { '--port': port, '--otlp-http-port': otlpHttpPort, '--otlp-grpc-port': otlpGrpcPort }
  try {
    for (const number of Object.values(ports)) await withPortErrors(ports, () => probePort(host, number))
    const { store: openedStore, dataDir } = await openStore(options, shares.engineBytes, log)
    const plainStore = logStore(openedStore, log)
    closers.push(() => plainStore.close())
    const own =
      options.selfTraces === true
        ? startSelfTracing({ version, send: (request) => ingest.ingestOwnSpans(request) })
        : undefined
    const store = own === undefined ? plainStore : traceStore(plainStore, own)
    const ingest: Ingest = await withPortErrors(
      { '--otlp-grpc-port': otlpGrpcPort, '--otlp-http-port': otlpHttpPort },
      () =>
        startIngest({
          dataDir,
          store,
          host,
          otlpHttpPort,
          otlpGrpcPort,
          access,
          kafka,
          redactor: options.redactor,
          fsync: options.fsync ?? false,
          inFlightBytes: shares.inFlightBytes,
          journalMemoryBytes: shares.journalBytes,
          segmentBytes: shares.segmentBytes,
          insertBytes: shares.insertBytes,
          onRequest: own?.scheduleExport,
          log,
        }),
    )
    let drainMs = 0
    closers.push(() => {
      own?.stop()
      return ingest.drain(drainMs)
    })
    const api = await withPortErrors({ '--port': port }, () =>
      startApi({
        store,
        ingest,
        version,
        host,
        port,
        draining: () => draining,
        access,
        basePath: options.access?.basePath,
        log,
        ownTraces: own,
      }),
    )
    closers.push(() => api.close())
    let closed: Promise<void> | undefined
    return {
      url: api.url,
      otlpHttpUrl: ingest.otlpHttpUrl,
      otlpGrpcUrl: ingest.otlpGrpcUrl ?? '',
      dataDir,
      retention: resolveRetention(options),
      memory: { maxBufferBytes: shares.bufferBytes, getReceivedBytes: () => ingest.stats().bytes },
      close: (deadlineMs = 3000) => {
        draining = true
        drainMs = deadlineMs
        closed ??= runReversed(closers)
        return closed
      },
    }
  } catch (error) {
    await runReversed(closers)
    throw error
  }
}

/** @throws UsageError if a TLS file can't be read or is invalid */
function readKafkaAccess({ kafka }: ServeOptions): IngestOptions['kafka'] {
  if (kafka === undefined) return undefined
  const { brokers, groupId, tls, sasl } = kafka
  const topics = kafka.topics.map(([topic, name]) => [topic, findSignal(name)] as const)
  return {
    brokers,
    groupId,
    topics: new Map(topics),
    tls: tls && readKafkaTls(tls),
    sasl,
  }
}

function readKafkaTls({ caFile, certFile, keyFile }: NonNullable<KafkaOptions['tls']>): KafkaAccess['tls'] {
  const flags = { cert: '--kafka-tls-cert', key: '--kafka-tls-key' }
  return {
    ...(caFile === undefined ? {} : { ca: readAuthorities('--kafka-tls-ca', caFile) }),
    ...(certFile === undefined || keyFile === undefined ? {} : readCertificate(flags, { certFile, keyFile })),
  }
}

async function openStore(
  options: ServeOptions,
  engineBytes: number,
  log: Log,
): Promise<{ readonly store: Store; readonly dataDir: string }> {
  const dir = options.dataDir ?? DEFAULT_DATA_DIR
  const retention = resolveRetention(options)
  if (options.store === undefined) {
    const store = await openEmbeddedStore(dir, { retention, log, engineBytes, fsync: options.fsync })
    return { store, dataDir: store.dataDir }
  }
  // The journal stays local when the tables are in a cluster.
  const dataDir = lockDataDir(dir)
  try {
    const store = await openClusterStore(options.store, { retention, log })
    return {
      dataDir: dataDir.path,
      store: {
        ...store,
        close: async () => {
          await store.close()
          dataDir.release()
        },
      },
    }
  } catch (error) {
    dataDir.release()
    throw error
  }
}

/** Rethrows errors of `start` about a port as PortError. @param ports by flag */
async function withPortErrors<T>(ports: Readonly<Record<string, number>>, start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (cause) {
    const { code, port } = cause as NodeJS.ErrnoException & { readonly port?: number }
    const [flag] = Object.entries(ports).find(([, number]) => number === port) ?? Object.keys(ports)
    if (code === 'EADDRINUSE') {
      throw new PortError(`Port ${port} is in use. Set ${flag} to another one, or to 0 for any free one.`, { cause })
    }
    if (code === 'EACCES')
      throw new PortError(`No permission to listen on port ${port}. Set ${flag} to another one.`, { cause })
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      throw new PortError('--host is not an address of this machine.', { cause })
    }
    throw cause
  }
}

async function runReversed(closers: readonly (() => Promise<void>)[]): Promise<void> {
  for (const step of closers.toReversed()) await step()
}
