import { Type, type Static } from 'typebox'
import { describe } from './common/describe.ts'

export const ReadyResponse = describe(
  '200 when ready; 503 with a reason while starting, stopping, without ClickHouse, or when inserts are stalled.',
  Type.Object({ ready: Type.Boolean(), reason: Type.Optional(Type.String()) }),
)
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
  journal: describe(
    'Acknowledged data that is not inserted yet.',
    Type.Object({
      segments: Type.Integer(),
      bytes: Type.Integer(),
      tornBytes: describe('Incomplete writes at the end of a segment, dropped after a crash.', Type.Integer()),
      unreadableBytes: describe(
        'Bytes lost in damaged journal files, including files kept from earlier runs.',
        Type.Integer(),
      ),
    }),
  ),
  quarantine: describe(
    'Segments that ClickHouse rejects, moved to `journal/quarantine`.',
    Type.Object({ segments: Type.Integer(), bytes: Type.Integer(), lastError: Type.String() }),
  ),
  ingest: Type.Object({
    requests: Type.Integer(),
    spans: Type.Integer(),
    rejectedSpans: Type.Integer(),
    logs: Type.Integer(),
    rejectedLogs: Type.Integer(),
    points: Type.Integer(),
    rejectedPoints: Type.Integer(),
    rejectedRequests: describe(
      'Rejected requests by reason. Exporters retry `busy` ones.',
      Type.Object({
        malformed: Type.Integer(),
        overLimit: Type.Integer(),
        tooLarge: Type.Integer(),
        busy: Type.Integer(),
        unauthorized: Type.Integer(),
        rateLimited: Type.Integer(),
        failed: Type.Integer(),
      }),
    ),
    bytes: Type.Integer(),
  }),
  access: describe(
    'Requests of the API that were rejected for their credentials or a limit, by reason.',
    Type.Object({ unauthenticated: Type.Integer(), forbidden: Type.Integer(), rateLimited: Type.Integer() }),
  ),
  kafka: describe(
    'Present with a Kafka receiver.',
    Type.Optional(
      Type.Object({
        rejectedMessages: describe('Messages that were rejected or quarantined.', Type.Integer()),
        connectionFailures: describe('Failed connections and restarts of the consumer.', Type.Integer()),
        quarantine: describe(
          'Unreadable batches since the start, and their bytes in the data directory.',
          Type.Object({ batches: Type.Integer(), bytes: Type.Integer(), lastError: Type.String() }),
        ),
      }),
    ),
  ),
  store: Type.Object({
    spans: Type.Integer(),
    links: Type.Integer(),
    traces: Type.Integer(),
    bytesOnDisk: Type.Integer(),
  }),
  corruptParts: describe(
    'Table parts that ClickHouse cannot read; responses lack their rows.',
    Type.Object({
      count: Type.Integer(),
      bytes: Type.Integer(),
      tables: Type.Array(Type.String()),
    }),
  ),
  damagedRows: describe(
    'Stored rows that queries could not decode since the start; responses lack their spans and links.',
    Type.Integer(),
  ),
  endpoints: Type.Object({ ui: Type.String(), otlpHttp: Type.String(), otlpGrpc: Type.Optional(Type.String()) }),
})
export type StatusResponse = Static<typeof StatusResponse>
