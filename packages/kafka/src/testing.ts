export { expectAttributes, expectChild, expectLinked, expectNotLinked, expectRoot } from './testing/expectations.ts'
export { flowOf } from './testing/flow.ts'
export { recordSpans } from './testing/span-recorder.ts'

export type { Flow, FlowLink } from './testing/flow.ts'
export type { RecordedSpan } from './testing/recorded-span.ts'
export type { SpanRecorder } from './testing/span-recorder.ts'
