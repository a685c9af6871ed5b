export { expectAttributes, expectChild, expectLinked, expectNotLinked, expectRoot } from './expectations.ts'
export { collectFlow } from './flow.ts'
export { recordSpans } from './span-recorder.ts'

export type { Flow, FlowLink } from './flow.ts'
export type { RecordedSpan } from './recorded-span.ts'
export type { SpanRecorder } from './span-recorder.ts'
