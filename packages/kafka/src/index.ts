export { traceConfluent } from './clients/confluent.ts'
export { traceKafkaJS } from './clients/kafkajs.ts'
export { processEach } from './clients/kafkajs-each.ts'
export { tracePlatformatic } from './clients/platformatic.ts'
export { traceRdkafka } from './clients/rdkafka.ts'
export { processMessage } from './process-message.ts'
export { createKafkaTelemetry } from './telemetry.ts'

export type { Semconv } from './attributes.ts'
export type { ConfluentKafka, ConfluentModule, ConfluentOptions } from './clients/confluent.ts'
export type { PlatformaticTracing } from './clients/platformatic.ts'
export type { HeaderCarrier, HeaderRecord } from './header-shapes.ts'
export type { HeaderEncoding } from './headers.ts'
export type { Logger, LoggerProvider, LogRecord } from './loggers.ts'
export type {
  Correlation,
  KafkaTelemetryOptions,
  MetricsOptions,
  SendSpans,
  SpanOperation,
  SpanSubject,
} from './options.ts'
export type { OutgoingFormat, OutgoingMessage, RecordPlace, SendOperation, StartedSend } from './send.ts'
export type { Settlement } from './settle.ts'
export type { MessageSource, ReceivedMessage, ServerAddress } from './source.ts'
export type { Delivery, KafkaTelemetry } from './telemetry.ts'
