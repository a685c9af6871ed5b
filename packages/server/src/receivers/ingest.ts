import { transcodeTracesJson } from '../otlp/json/transcode-json.ts'
import type { Store } from '../clickhouse/store.ts'
import { type Access, createOpenAccess } from '../access/access.ts'
import { ByteBudget } from './body/byte-budget.ts'
import { Inserter } from '../journal/inserter.ts'
import { type IngestCounters, type IngestPipeline, createIngestPipeline } from './ingest-pipeline.ts'
import { Journal, type JournalDepth } from '../journal/journal.ts'
import type { Log } from '../log.ts'
import type { Redactor } from '../otlp/redact/redactor.ts'
import type { SignalRows } from '../otlp/rows.ts'
import { type KafkaReceiverOptions, type KafkaStatus, startKafkaReceiver } from './kafka/receiver.ts'
import { listenOtlpGrpc } from './grpc/otlp-grpc.ts'
import { listenOtlpHttp } from './otlp-http.ts'
import { DEFAULT_TIMEOUTS, type Timeouts } from './receiver-options.ts'
import { RejectionLog } from './rejection-log.ts'
import type { QuarantineDepth } from '../journal/quarantine.ts'
import { MAX_BODY_BYTES } from './body/request-body.ts'

export type IngestOptions = {
  readonly dataDir: string
  readonly store: Store
  /** @default '127.0.0.1' */
  readonly host?: string
  /** 0 takes any free port. @default 4318 */
  readonly otlpHttpPort?: number
  /** 0 takes any free port. @default OTLP/gRPC is disabled */
  readonly otlpGrpcPort?: number
  /** @default no authentication, plain text, no CORS */
  readonly access?: Access
  /** Receives OTLP requests from Kafka topics too. @default none */
  readonly kafka?: Omit<KafkaReceiverOptions, 'pipeline' | 'dataDir' | 'log'>
  /** What is kept out of the rows of every receiver. @default nothing */
  readonly redactor?: Redactor
  /** Acknowledges after fsync of the journal. @default false */
  readonly fsync?: boolean
  /** Limit for bodies and rows of unacknowledged requests. @default 256 MiB */
  readonly inFlightBytes?: number
  /** Sealed segments kept in memory until they are inserted. @default 96 MiB */
  readonly journalMemoryBytes?: number
  /** Size at which a journal segment is sealed and inserted. @default 32 MiB */
  readonly segmentBytes?: number
  /** The largest insert; a larger segment is split. @default 64 MiB */
  readonly insertBytes?: number
  /** For slow clients and idle connections. @default DEFAULT_TIMEOUTS */
  readonly timeouts?: Timeouts
  /** Called before each request of a client is decoded; not for this server's own spans. */
  readonly onRequest?: () => void
  /** @default no log */
  readonly log?: Log
}

export type IngestStats = Readonly<IngestCounters>

export type Ingest = {
  /** `http://host:port`, without a path. */
  readonly otlpHttpUrl: string
  /** Undefined if OTLP/gRPC is disabled. */
  readonly otlpGrpcUrl?: string
  stats(): IngestStats
  /** Undefined without Kafka topics. */
  kafkaStatus(): KafkaStatus | undefined
  /**
   * Ingests this server's own spans.
   *
   * @param request an OTLP trace request in its JSON form
   */
  ingestOwnSpans(request: object): Promise<void>
  /** Rows acknowledged and not yet inserted. */
  journalDepth(): JournalDepth
  /** Rows acknowledged and rejected by ClickHouse. */
  quarantineDepth(): QuarantineDepth
  /** Time for which segments have waited without a successful insert. */
  stalledMs(): number
  /**
   * Stops receiving and inserts the journal's segments until the deadline; the next start inserts
   * the rest. Idempotent.
   */
  drain(deadlineMs: number): Promise<void>
}

/** Share of the drain deadline in which requests in flight may finish. */
const CLOSE_DEADLINE_RATIO = 0.2

const OWN_CLIENT = { receiver: 'self-tracing', address: 'this server' } as const

const NO_BODY = { bytes: new Uint8Array(), release: () => {} }

const DEFAULT_IN_FLIGHT_BYTES = 4 * MAX_BODY_BYTES

/**
 * Starts the receivers: replays the journal of an earlier run, then listens. ClickHouse needn't be
 * ready; acknowledged rows wait in the journal until it is.
 *
 * @throws Node's error with `code` for the data directory, with `code` and `port` for a port
 */
export async function startIngest(options: IngestOptions): Promise<Ingest> {
  const {
    dataDir,
    store,
    host = '127.0.0.1',
    otlpHttpPort = 4318,
    otlpGrpcPort,
    access = createOpenAccess(host),
    fsync = false,
    log = () => {},
  } = options
  const inserter = new Inserter(store, log, options.insertBytes)
  const journal = await Journal.open({
    dataDir,
    fsync,
    log,
    onSealed: (segment) => inserter.enqueue(segment),
    ...(options.journalMemoryBytes === undefined ? {} : { maxMemoryBytes: options.journalMemoryBytes }),
    ...(options.segmentBytes === undefined ? {} : { maxSegmentBytes: options.segmentBytes }),
  })
  const budget = new ByteBudget(options.inFlightBytes ?? DEFAULT_IN_FLIGHT_BYTES)
  const rejectionLog = new RejectionLog(log)
  const append = async (rows: SignalRows): Promise<void> => {
    await inserter.waitForCapacity()
    await journal.append(rows)
  }
  const pipeline = createIngestPipeline(append, budget, rejectionLog, options.redactor)
  const { onRequest, timeouts = DEFAULT_TIMEOUTS } = options
  const outside: IngestPipeline = {
    ...pipeline,
    ingest: async (client, items, transcode, body) => {
      onRequest?.()
      const { principal } = client
      if (principal === undefined) return await pipeline.ingest(client, items, transcode, body)
      access.ingestLimits.count(principal, { spans: 0, bytes: body.bytes.length })
      const result = await pipeline.ingest(client, items, transcode, body)
      if (items === 'spans')
        access.ingestLimits.count(principal, { spans: result.accepted + result.rejected, bytes: 0 })
      return result
    },
  }
  const receiver = { host, access, pipeline: outside, budget, log, timeouts }
  const http = await listenOtlpHttp({ ...receiver, port: otlpHttpPort })
  const grpc =
    otlpGrpcPort === undefined
      ? undefined
      : await listenOtlpGrpc({ ...receiver, port: otlpGrpcPort }).catch(async (error: unknown) => {
          await http.close(0)
          throw error
        })
  const kafka =
    options.kafka === undefined
      ? undefined
      : await startKafkaReceiver({ ...options.kafka, pipeline: outside, dataDir, log }).catch(
          async (error: unknown) => {
            await Promise.all([http, grpc].map((receiver) => receiver?.close(0)))
            throw error
          },
        )
  inserter.start(journal)
  rejectionLog.start()
  let draining: Promise<void> | undefined
  return {
    otlpHttpUrl: http.url,
    ...(grpc === undefined ? {} : { otlpGrpcUrl: grpc.url }),
    stats: () => ({ ...pipeline.stats, rejectedRequests: { ...pipeline.stats.rejectedRequests } }),
    kafkaStatus: () => kafka?.getStatus(),
    ingestOwnSpans: async (request) => {
      await pipeline.ingest(
        OWN_CLIENT,
        'spans',
        (_, received, redactor) => transcodeTracesJson(Buffer.from(JSON.stringify(request)), received, redactor),
        NO_BODY,
      )
    },
    journalDepth: () => journal.getDepth(),
    quarantineDepth: () => journal.getQuarantineDepth(),
    stalledMs: () => inserter.getStalledMs(),
    drain: (deadlineMs) => {
      draining ??= (async () => {
        const start = performance.now()
        const closing = deadlineMs * CLOSE_DEADLINE_RATIO
        await Promise.all([http.close(closing), grpc?.close(closing), kafka?.close(closing)])
        rejectionLog.stop()
        await journal.close()
        await inserter.drain(Math.max(0, deadlineMs - (performance.now() - start)))
      })()
      return draining
    },
  }
}
