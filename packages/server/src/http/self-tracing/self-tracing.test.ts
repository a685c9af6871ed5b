import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type SelfTracing, startSelfTracing } from './self-tracing.ts'

type Sent = { readonly resourceSpans: readonly { scopeSpans: readonly { spans: readonly { name: string }[] }[] }[] }

let traces: SelfTracing
let sent: string[][]
let afterSend: () => void

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
  sent = []
  afterSend = () => {}
  traces = startSelfTracing({
    version: '1.2.3',
    send: (request) => {
      sent.push((request as Sent).resourceSpans[0]?.scopeSpans[0]?.spans.map(({ name }) => name) ?? [])
      afterSend()
      return Promise.resolve()
    },
  })
})

afterEach(() => {
  traces.stop()
  vi.useRealTimers()
})

test('spans caused by an export are exported with the next unrelated request', () => {
  afterSend = () => traces.startDetached('insert', 'ab'.repeat(16)).end({})
  traces.startTrace('GET')?.end({})
  vi.advanceTimersByTime(3_600_000)
  expect(sent).toEqual([['GET']])
  traces.scheduleExport()
  vi.advanceTimersByTime(2000)
  expect(sent).toEqual([['GET'], ['insert']])
})

test('self-tracing is limited to ten traces per second and 64 queries per trace', () => {
  for (let at = 0; at < 1000; at++) {
    const span = traces.startTrace('GET')
    if (span === undefined) continue
    traces.runInSpan(span, () => {
      for (let query = 0; query < 100; query++) traces.startChild('query')?.end({})
    })
    span.end({})
  }
  vi.advanceTimersByTime(1000)
  expect(sent.flat().filter((name) => name === 'GET')).toHaveLength(10)
  expect(sent.flat().filter((name) => name === 'query')).toHaveLength(640)
  expect(traces.startTrace('GET')).toBeDefined()
})

test('a query outside of a request makes no span', () => {
  expect(traces.startChild('query')).toBeUndefined()
})
