// OpenTelemetry as in any application, for `--import`: spans go by OTLP/HTTP to
// OTEL_EXPORTER_OTLP_ENDPOINT, http://localhost:4318 by default.
import { NodeSDK } from '@opentelemetry/sdk-node'

const sdk = new NodeSDK({ serviceName: 'orders', metricReaders: [], logRecordProcessors: [] })
sdk.start()
// The application knows nothing of this, so it is for this file to send what is left.
process.once('beforeExit', () => void sdk.shutdown())
