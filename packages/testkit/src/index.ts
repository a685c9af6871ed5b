export { startKafka, kafkaSource, type KafkaBroker, type KafkaOptions, type TopicOptions } from './kafka/kafka.ts'
export { chromiumPath, launchBrowser } from './browser.ts'
export {
  anyValue,
  decodeRpcStatus,
  decodeTraces,
  decodeTracesResponse,
  encodeTraces,
  generateRequests,
  generateSpans,
  kv,
  randomSpanId,
  randomTraceId,
  seededRandom,
  tracesOf,
  type GenerateOptions,
  type OtlpAnyValue,
  type OtlpEvent,
  type OtlpKeyValue,
  type OtlpLink,
  type OtlpSpan,
  type ResourceSpans,
  type RpcStatus,
  type ScopeSpans,
  type TracesRequest,
  type TracesResponse,
} from './otlp/otlp.ts'
export { startSpanlink, type SpanlinkOptions, type SpanlinkServer } from './spanlink.ts'
