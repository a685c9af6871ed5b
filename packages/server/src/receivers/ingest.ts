import { transcodeTracesJsonInSteps } from '../otlp/json/transcode-json.ts'
import type { Store } from '../clickhouse/store.ts'
import type { Access } from './auth.ts'
import { ByteBudget } from './body/byte-budget.ts'
import { Inserter } from '../journal/inserter.ts'
import { type IngestCounters, type IngestPipeline, createIngestPipeline } from './ingest-pipeline.ts'
import { Journal, type JournalDepth } from '../journal/journal.ts'
import type { Log } from '../log.ts'
import { type KafkaReceiverOptions, type KafkaStatus, startKafkaReceiver } from './kafka/receiver.ts'
import { listenOtlpGrpc } from './otlp-grpc.ts'
import { listenOtlpHttp } from './otlp-http.ts'
import { DEFAULT_TIMEOUTS, type Timeouts } from './timeouts.ts'
import type { QuarantineDepth } from '../journal/quarantine.ts'
import { MAX_BODY_BYTES } from './body/request-body.ts'

export type IngestOptions = {
  readonly dataDir: string
  readonly store: Store
  /** @default '127.0.0.1' */
  readonly host?: string
  /** 0 takes any free one. @default 4318 */
  readonly otlpHttpPort?: number
  /** 0 takes any free one. @default OTLP/gRPC isn't served */
  readonly otlpGrpcPort?: number
  /** Who may send. @default everybody who reaches the ports, but no pages of other origins */
  readonly access?: Access
  /** Topics of OTLP requests to take too. @default none */
  readonly kafka?: Omit<KafkaReceiverOptions, 'pipeline' | 'dataDir' | 'log'>
  /** Acks wait until the disk has the spans. @default false */
  readonly fsync?: boolean
  /** Bodies and rows of requests that aren't acknowledged yet. @default 256 MiB */
  readonly inFlightBytes?: number
  /** Sealed segments kept in memory until they are inserted. @default 96 MiB */
  readonly journalMemoryBytes?: number
  /** Where a segment of the journal is sealed and becomes an insert. @default 32 MiB */
  readonly segmentBytes?: number
  /** The largest insert; a larger segment is stored in pieces. @default 64 MiB */
  readonly insertBytes?: number
  /** With slow senders and silent connections. @default PATIENCE */
  readonly timeouts?: Timeouts
  /** Called for each request that is taken from outside, before it is. */
  readonly onRequest?: () => void
  /** @default nothing is logged */
  readonly log?: Log
}

export type IngestStats = Readonly<IngestCounters>

export type Ingest = {
  /** `http://host:port`, without a path. */
  readonly otlpHttpUrl: string
  /** The same of OTLP/gRPC. */
  readonly otlpGrpcUrl?: string
  stats(): IngestStats
  /** Undefined where no topics are received. */
  kafkaStatus(): KafkaStatus | undefined
  /**
   * Takes spans of this server about itself, an OTLP request in its JSON form, as if they had been
   * sent.
   */
  ingestOwnSpans(request: object): Promise<void>
  /** Acked and not yet in the store. */
  journalDepth(): JournalDepth
  /** Acked and refused by the store. */
  quarantineDepth(): QuarantineDepth
  /** How long segments have waited without any being stored. */
  stalledMs(): number
  /**
   * Takes no more, stores what the journal holds, within the deadline; the rest is for the next
   * start. Idempotent.
   */
  drain(deadlineMs: number): Promise<void>
}

/** Part of the time to drain in which requests that are being sent may still end. */
const CLOSE_DEADLINE_RATIO = 0.2

const NO_BODY = { bytes: new Uint8Array(), release: () => {} }

const DEFAULT_IN_FLIGHT_BYTES = 4 * MAX_BODY_BYTES

/**
 * Starts the receivers: replays the journal of an earlier run, then listens. The store needn't be
 * ready; spans are acked meanwhile and wait in the journal.
 *
 * @throws what a port or the data directory can't do, with Node's `code`, and of a port the `port`
 */
export async function startIngest(options: IngestOptions): Promise<Ingest> {
  const {
    dataDir,
    store,
    host = '127.0.0.1',
    otlpHttpPort = 4318,
    otlpGrpcPort,
    access = {},
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
  const pipeline = createIngestPipeline(async (rows) => {
    await inserter.waitForCapacity()
    await journal.append(rows)
  }, budget)
  const { onRequest, timeouts = DEFAULT_TIMEOUTS } = options
  const outside: IngestPipeline =
    onRequest === undefined
      ? pipeline
      : {
          ...pipeline,
          ingest: (...request) => {
            onRequest()
            return pipeline.ingest(...request)
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
  let draining: Promise<void> | undefined
  return {
    otlpHttpUrl: http.url,
    ...(grpc === undefined ? {} : { otlpGrpcUrl: grpc.url }),
    stats: () => ({ ...pipeline.stats, rejectedRequests: { ...pipeline.stats.rejectedRequests } }),
    kafkaStatus: () => kafka?.getStatus(),
    ingestOwnSpans: async (request) => {
      await pipeline.ingest(
        'spans',
        (_, received) => transcodeTracesJsonInSteps(Buffer.from(JSON.stringify(request)), received),
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
        await journal.close()
        await inserter.drain(Math.max(0, deadlineMs - (performance.now() - start)))
      })()
      return draining
    },
  }
}
