// Loaded before the program (`--import`), as OpenTelemetry documents it for ES modules.
import { register } from 'node:module'
import { KafkaJsInstrumentation } from '@opentelemetry/instrumentation-kafkajs'
import { startTelemetry } from '../telemetry.ts'

register('@opentelemetry/instrumentation/hook.mjs', import.meta.url)
const sdk = startTelemetry([new KafkaJsInstrumentation()])

/** Exports the spans that are still queued. */
export async function stopTracing(): Promise<void> {
  await sdk.shutdown()
}
