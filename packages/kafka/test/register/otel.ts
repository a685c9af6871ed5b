// The SDK of an application, as its own file would start it; spans are printed when the application ends.
import { context, propagation, trace } from '@opentelemetry/api'
import { described, w3cPropagator } from '../support/recorded-spans.ts'
import { AsyncLocalStorageContextManager, InMemorySpanExporter, TracerProvider, exportAtOnce } from '../support/sdk.ts'

const exporter = new InMemorySpanExporter()
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(w3cPropagator())
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [exportAtOnce(exporter)] }))

process.on('exit', () => {
  for (const span of exporter.getFinishedSpans()) process.stdout.write(`${JSON.stringify(described(span))}\n`)
})
