// The SDK of an application, as its own file would start it; spans are printed when the application
// ends.
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

// Where the API that was loaded keeps what is registered.
const api = (globalThis as { [name: symbol]: unknown })[Symbol.for('opentelemetry.js.api.1')]
const { version } = api as { readonly version: string }
process.on('exit', () => {
  process.stdout.write(`SDK ${SDK_MAJOR}, API ${version}\n`)
  for (const span of exporter.getFinishedSpans()) process.stdout.write(`${JSON.stringify(described(span))}\n`)
})
