// OpenTelemetry as in any application: spans go by OTLP/HTTP to OTEL_EXPORTER_OTLP_ENDPOINT,
// http://localhost:4318 by default.
import { NodeSDK } from '@opentelemetry/sdk-node'

export const sdk = new NodeSDK({ serviceName: 'shop', metricReaders: [], logRecordProcessors: [] })
sdk.start()
