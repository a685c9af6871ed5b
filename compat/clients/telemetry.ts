import { NodeSDK } from '@opentelemetry/sdk-node'
import type { Instrumentation } from '@opentelemetry/instrumentation'

/** The SDK as any Node service starts it: `OTEL_*` variables say where to and under which name. */
export function startTelemetry(instrumentations: Instrumentation[] = []): NodeSDK {
  const sdk = new NodeSDK({ instrumentations, logRecordProcessors: [] })
  sdk.start()
  return sdk
}
