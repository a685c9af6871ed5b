import { transcodeLogsJson, transcodeMetricsJson, transcodeTracesJson } from '../otlp/json/transcode-json.ts'
import { transcodeTraces } from '../otlp/trace/transcode-traces.ts'
import { transcodeLogs } from '../otlp/log/transcode-logs.ts'
import { transcodeMetrics } from '../otlp/metric/transcode-metrics.ts'
import type { Transcode } from '../otlp/wire/envelope.ts'

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
    protobuf: transcodeTraces,
    json: transcodeTracesJson,
  },
  {
    items: 'logs',
    httpPath: '/v1/logs',
    grpcService: 'opentelemetry.proto.collector.logs.v1.LogsService',
    rejectedName: 'rejectedLogRecords',
    protobuf: transcodeLogs,
    json: transcodeLogsJson,
  },
  {
    items: 'points',
    httpPath: '/v1/metrics',
    grpcService: 'opentelemetry.proto.collector.metrics.v1.MetricsService',
    rejectedName: 'rejectedDataPoints',
    protobuf: transcodeMetrics,
    json: transcodeMetricsJson,
  },
]

/** @param name `traces`, `logs` or `metrics` */
export function findSignal(name: string): Signal {
  const signal = signals.find(({ httpPath }) => httpPath === `/v1/${name}`)
  if (signal === undefined) throw new TypeError(`no signal is called ${name}`)
  return signal
}
