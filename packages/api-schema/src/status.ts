import { Type, type Static } from 'typebox'

/**
 * `GET /api/ready`: 200 when serving, 503 with a reason while starting, draining, or without an
 * engine.
 */
export const ReadyResponse = Type.Object({ ready: Type.Boolean(), reason: Type.Optional(Type.String()) })
export type ReadyResponse = Static<typeof ReadyResponse>

export const StatusResponse = Type.Object({
  version: Type.String(),
  uptimeSeconds: Type.Number(),
  engine: Type.Object({
    mode: Type.Enum(['embedded', 'cluster']),
    version: Type.String(),
    state: Type.Enum(['starting', 'ready', 'down']),
    restarts: Type.Integer(),
  }),
  /** What is acked and not yet in the store. */
  journal: Type.Object({
    segments: Type.Integer(),
    bytes: Type.Integer(),
    /** An unfinished write at the end of a crash, never acknowledged. */
    tornBytes: Type.Integer(),
    /** Of damaged journal files since the start: lost. */
    unreadableBytes: Type.Integer(),
  }),
  /** Segments that the store refuses, set aside in `journal/quarantine`. */
  quarantine: Type.Object({ segments: Type.Integer(), bytes: Type.Integer(), lastError: Type.String() }),
  ingest: Type.Object({
    requests: Type.Integer(),
    spans: Type.Integer(),
    rejectedSpans: Type.Integer(),
    logs: Type.Integer(),
    rejectedLogs: Type.Integer(),
    points: Type.Integer(),
    rejectedPoints: Type.Integer(),
    /** Requests of which nothing was taken; `busy` ones are to be sent again. */
    refused: Type.Object({
      malformed: Type.Integer(),
      overLimit: Type.Integer(),
      tooLarge: Type.Integer(),
      busy: Type.Integer(),
      unauthorized: Type.Integer(),
      failed: Type.Integer(),
    }),
    bytes: Type.Integer(),
  }),
  /** Where topics are received. */
  kafka: Type.Optional(
    Type.Object({
      /** Messages that were no OTLP request and are skipped. */
      refusedMessages: Type.Integer(),
      /**
       * Batches that cannot be read, since the start, and their bytes in files of the data
       * directory.
       */
      quarantine: Type.Object({ batches: Type.Integer(), bytes: Type.Integer(), lastError: Type.String() }),
    }),
  ),
  store: Type.Object({
    spans: Type.Integer(),
    links: Type.Integer(),
    traces: Type.Integer(),
    bytesOnDisk: Type.Integer(),
  }),
  /** Table parts that ClickHouse can't read; their rows are missing from responses. */
  corruptParts: Type.Object({
    count: Type.Integer(),
    bytes: Type.Integer(),
    tables: Type.Array(Type.String()),
  }),
  endpoints: Type.Object({ ui: Type.String(), otlpHttp: Type.String(), otlpGrpc: Type.Optional(Type.String()) }),
})
export type StatusResponse = Static<typeof StatusResponse>
