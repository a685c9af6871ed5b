import {
  transcodeLogsJsonInSteps,
  transcodeMetricsJsonInSteps,
  transcodeTracesJsonInSteps,
} from '../otlp/json/transcode-json.ts'
import type { Steps } from '../otlp/steps.ts'
import { transcodeTracesInSteps } from '../otlp/trace/transcode-traces.ts'
import { transcodeLogsInSteps } from '../otlp/log/transcode-logs.ts'
import { transcodeMetricsInSteps } from '../otlp/metric/transcode-metrics.ts'
import type { SignalRows } from '../journal/row-batches.ts'

/** Converts a request body to rows. @throws OtlpError */
export type Transcode = (body: Uint8Array, receivedUnixSeconds: number) => Steps<SignalRows>

/** An OTLP signal as receivers use it. */
export type Signal = {
  /** Name of its items in counters and messages. */
  readonly items: 'spans' | 'logs' | 'points'
  /** Below the base endpoint of OTLP/HTTP. */
  readonly httpPath: string
  /** Full name of the gRPC service, which has one method, Export. */
  readonly grpcService: string
  /** The member of PartialSuccess in JSON. */
  readonly rejectedName: string
  readonly protobuf: Transcode
  readonly json: Transcode
}

export const signals: readonly Signal[] = [
  {
    items: 'spans',
    httpPath: '/v1/traces',
    grpcService: 'opentelemetry.proto.collector.trace.v1.TraceService',
    rejectedName: 'rejectedSpans',
    protobuf: transcodeTracesInSteps,
    json: transcodeTracesJsonInSteps,
  },
  {
    items: 'logs',
    httpPath: '/v1/logs',
    grpcService: 'opentelemetry.proto.collector.logs.v1.LogsService',
    rejectedName: 'rejectedLogRecords',
    protobuf: transcodeLogsInSteps,
    json: transcodeLogsJsonInSteps,
  },
  {
    items: 'points',
    httpPath: '/v1/metrics',
    grpcService: 'opentelemetry.proto.collector.metrics.v1.MetricsService',
    rejectedName: 'rejectedDataPoints',
    protobuf: transcodeMetricsInSteps,
    json: transcodeMetricsJsonInSteps,
  },
]

/** @param name `traces`, `logs` or `metrics` */
export function findSignal(name: string): Signal {
  const signal = signals.find(({ httpPath }) => httpPath === `/v1/${name}`)
  if (signal === undefined) throw new TypeError(`no signal is called ${name}`)
  return signal
}
