// OpenTelemetry for a service of the shop. Imported first, before anything is traced.
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { NodeSDK } from '@opentelemetry/sdk-node'

/**
 * The SDK's defaults do the rest: spans and metrics (what `@spanlink/kafka` counts, consumer lag
 * among it) go by OTLP/HTTP in protobuf to `OTEL_EXPORTER_OTLP_ENDPOINT` (http://localhost:4318,
 * where Spanlink listens), and context travels as W3C trace context and baggage.
 */
const sdk = new NodeSDK({
  serviceName: process.env['OTEL_SERVICE_NAME'] ?? basename(process.argv[1] ?? 'shop', '.ts'),
  instrumentations: [new HttpInstrumentation()],
  // The shop logs nothing.
  logRecordProcessors: [],
})
sdk.start()

// An `import` of node:http passes by the instrumentation's hook, a `require` does not; both give
// the same server.
createRequire(import.meta.url)('node:http')

/** Sends the spans that are still waiting to be sent, and what was counted. */
export async function flushTelemetry(): Promise<void> {
  await sdk.shutdown()
}
