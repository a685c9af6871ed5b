export { traceConfluent } from './confluent/index.ts'
export { traceKafkaJS } from './kafkajs/index.ts'
export { processEach } from './kafkajs/process-each.ts'
export { tracePlatformatic } from './platformatic/index.ts'
export { traceRdkafka } from './rdkafka/index.ts'
export { processMessage } from './core/process-message.ts'
export { createKafkaTelemetry } from './core/instrumentation.ts'

export type { Semconv } from './semconv.ts'
export type { ConfluentKafka, ConfluentModule, ConfluentOptions } from './confluent/index.ts'
export type { PlatformaticTracing } from './platformatic/index.ts'
export type { HeaderCarrier, HeaderRecord } from './core/propagation/header-shapes.ts'
export type { HeaderEncoding } from './core/propagation/headers.ts'
export type { Logger, LoggerProvider, LogRecord } from './events/loggers.ts'
export type {
  Correlation,
  KafkaTelemetryOptions,
  MetricsOptions,
  SendSpans,
  SpanOperation,
  SpanSubject,
} from './options.ts'
export type { MessageSource, ReceivedMessage, ServerAddress } from './core/source.ts'
export type {
  Delivery,
  KafkaTelemetry,
  OutgoingFormat,
  OutgoingMessage,
  RecordMetadata,
  SendOperation,
  Settlement,
  StartedSend,
} from './core/telemetry.ts'
