import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type SelfTracing, startSelfTracing } from './self-tracing.ts'

type Sent = { readonly resourceSpans: readonly { scopeSpans: readonly { spans: readonly { name: string }[] }[] }[] }

let traces: SelfTracing
let sent: string[][]
let afterSending: () => void

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
  sent = []
  afterSending = () => {}
  traces = startSelfTracing({
    version: '1.2.3',
    send: (request) => {
      sent.push((request as Sent).resourceSpans[0]?.scopeSpans[0]?.spans.map(({ name }) => name) ?? [])
      afterSending()
      return Promise.resolve()
    },
  })
})

afterEach(() => {
  traces.stop()
  vi.useRealTimers()
})

test('what sending causes waits for the next request of somebody else', () => {
  afterSending = () => traces.startDetached('insert', 'ab'.repeat(16)).end({})
  traces.startTrace('GET')?.end({})
  vi.advanceTimersByTime(3_600_000)
  expect(sent).toEqual([['GET']])
  traces.scheduleExport()
  vi.advanceTimersByTime(2000)
  expect(sent).toEqual([['GET'], ['insert']])
})

test('a second has ten traces at most, a trace 64 questions, whatever the load', () => {
  for (let at = 0; at < 1000; at++) {
    const span = traces.startTrace('GET')
    if (span === undefined) continue
    traces.runInSpan(span, () => {
      for (let question = 0; question < 100; question++) traces.startChild('query')?.end({})
    })
    span.end({})
  }
  vi.advanceTimersByTime(1000)
  expect(sent.flat().filter((name) => name === 'GET')).toHaveLength(10)
  expect(sent.flat().filter((name) => name === 'query')).toHaveLength(640)
  expect(traces.startTrace('GET')).toBeDefined()
})

test('a question that no request asks is no span', () => {
  expect(traces.startChild('query')).toBeUndefined()
})
