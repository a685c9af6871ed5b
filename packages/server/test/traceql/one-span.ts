import type { TestSpan } from './spans.ts'

const second = 1_000_000_000n
let made = 0

/** A span in a new trace. */
export function oneSpan(name: string, at: bigint, more: Partial<TestSpan> = {}): TestSpan {
  made++
  return {
    traceId: `b${made.toString(16).padStart(31, '0')}`,
    spanId: `c${made.toString(16).padStart(15, '0')}`,
    parentSpanId: '',
    name,
    kind: 'internal',
    status: 'unset',
    statusMessage: '',
    start: at,
    duration: second,
    attributes: {},
    resource: { 'service.name': 'test' },
    scope: { name: 'scope', version: '1', attributes: { library: 'kafkajs' } },
    events: [],
    links: [],
    ...more,
  }
}
