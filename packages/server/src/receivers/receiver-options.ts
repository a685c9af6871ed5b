import type { Log } from '../log.ts'
import type { Access } from './auth.ts'
import type { ByteBudget } from './body/byte-budget.ts'
import type { IngestPipeline } from './ingest-pipeline.ts'
import type { Timeouts } from './timeouts.ts'

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
