// Starts the SDK the way an application does and prints the spans at exit.
import { context, propagation, trace } from '@opentelemetry/api'
import { described, w3cPropagator } from '../support/recorded-spans.ts'
import {
  AsyncLocalStorageContextManager,
  InMemorySpanExporter,
  SDK_MAJOR,
  TracerProvider,
  exportAtOnce,
} from '../support/sdk.ts'

const exporter = new InMemorySpanExporter()
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(w3cPropagator())
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [exportAtOnce(exporter)] }))

// Where the loaded API version stores its global providers.
const api = (globalThis as { [name: symbol]: unknown })[Symbol.for('opentelemetry.js.api.1')]
const { version } = api as { readonly version: string }
process.on('exit', () => {
  process.stdout.write(`SDK ${SDK_MAJOR}, API ${version}\n`)
  for (const span of exporter.getFinishedSpans()) process.stdout.write(`${JSON.stringify(described(span))}\n`)
})
