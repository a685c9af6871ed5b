import { type Encoding, encodeSuccess } from './otlp-response.ts'
import type { IngestResult } from './ingest-pipeline.ts'
import { transcodeZipkin } from '../otlp/zipkin/transcode-zipkin.ts'
import type { Client } from './rejection-log.ts'
import type { Transcode } from '../otlp/wire/envelope.ts'
import { type Signal, signals } from './signals.ts'

/** A path of the HTTP receiver: its items, decoders and response. */
export type Route = {
  /** Its name in the log. */
  readonly receiver: Client['receiver']
  readonly items: Signal['items']
  readonly protobuf?: Transcode
  readonly json?: Transcode
  /** For requests without Content-Type. */
  readonly defaultEncoding?: Encoding
  /** Status of a success. */
  readonly status: 200 | 202
  readonly encodeResponse: (encoding: Encoding, outcome: IngestResult) => Buffer
}

/** Zipkin's response has no body, so rejected spans are only counted and logged. */
const zipkin: Route = {
  receiver: 'Zipkin',
  items: 'spans',
  json: transcodeZipkin,
  defaultEncoding: 'json',
  status: 202,
  encodeResponse: () => Buffer.alloc(0),
}

export const routes: ReadonlyMap<string, Route> = new Map([
  ['/api/v2/spans', zipkin],
  ...signals.map((signal): readonly [string, Route] => [signal.httpPath, createOtlpRoute(signal)]),
])

/** For the message of a 404. */
export function describeRoutes(): string {
  return [...routes.keys()].join(', ')
}

function createOtlpRoute({ items, rejectedName, protobuf, json }: Signal): Route {
  return {
    receiver: 'OTLP/HTTP',
    items,
    protobuf,
    json,
    status: 200,
    encodeResponse: (encoding, outcome) =>
      encodeSuccess(encoding, rejectedName, outcome.rejected, outcome.rejectReason),
  }
}
