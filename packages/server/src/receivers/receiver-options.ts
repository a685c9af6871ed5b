import type { Log } from '../log.ts'
import type { Access } from '../access/access.ts'
import type { ByteBudget } from './body/byte-budget.ts'
import type { IngestPipeline } from './ingest-pipeline.ts'

/** Options of the OTLP receivers over HTTP and gRPC. */
export type ReceiverOptions = {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly access: Access
  readonly pipeline: IngestPipeline
  /** Shared by all requests of all receivers. */
  readonly budget: ByteBudget
  readonly log: Log
  /** @default DEFAULT_TIMEOUTS */
  readonly timeouts?: Timeouts
}

/** Timeouts of a connection, in milliseconds. */
export type Timeouts = {
  /** To receive all headers, from the first byte of a request or the connection's start. */
  readonly headersMs: number
  /** To receive the whole request, even if bytes keep arriving. */
  readonly requestMs: number
  /** Between two requests of a connection. */
  readonly idleMs: number
  /** Interval of the checks for expired connections. */
  readonly checkIntervalMs: number
  /**
   * Between two pings of an HTTP/2 connection. A dead connection is closed after at most
   * `pingIntervalMs + pongMs`.
   */
  readonly pingIntervalMs: number
  readonly pongMs: number
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  headersMs: 10_000,
  requestMs: 60_000,
  idleMs: 75_000,
  checkIntervalMs: 2000,
  pingIntervalMs: 60_000,
  pongMs: 20_000,
}
