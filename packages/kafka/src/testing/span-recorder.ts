import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordedSpan } from './recorded-span.ts'

/**
 * Keeps ended spans in memory. It is a span processor, and an exporter as well, for SDK 2.x and
 * 3.x:
 *
 *     const recorder = recordSpans()
 *     const provider = new TracerProvider({ spanProcessors: [recorder] })
 */
export interface SpanRecorder {
  /** The recorded spans, in the order in which they ended. */
  readonly spans: readonly RecordedSpan[]
  getAll(name: string): readonly RecordedSpan[]
  /**
   * Returns the only span of that name. @throws if there is none or more than one; lists the names
   */
  getOne(name: string): RecordedSpan
  /**
   * Waits until `count` spans of that name have ended.
   * @param count @default 1
   * @param timeoutMs @default 10,000
   * @throws after `timeoutMs`
   */
  waitFor(name: string, count?: number, timeoutMs?: number): Promise<readonly RecordedSpan[]>
  clear(): void

  onStart(): void
  onEnd(span: RecordedSpan): void
  export(spans: RecordedSpan[], done: (result: { readonly code: number }) => void): void
  forceFlush(): Promise<void>
  shutdown(): Promise<void>
}

export function recordSpans(): SpanRecorder {
  const spans: RecordedSpan[] = []
  const getAll = (name: string): RecordedSpan[] => spans.filter((span) => span.name === name)
  const names = (): string => [...new Set(spans.map((span) => span.name))].join(', ') || 'none'
  return {
    spans,
    getAll,
    getOne(name) {
      const found = getAll(name)
      if (found.length === 1) return found[0]!
      throw new Error(`expected one span '${name}', found ${found.length}; spans: ${names()}`)
    },
    async waitFor(name, count = 1, timeoutMs = 10_000) {
      const deadline = performance.now() + timeoutMs
      while (getAll(name).length < count) {
        if (performance.now() > deadline) {
          const found = getAll(name).length
          throw new Error(`expected ${count} spans '${name}' within ${timeoutMs} ms, found ${found}; spans: ${names()}`)
        }
        await sleep(5)
      }
      return getAll(name)
    },
    clear: () => void (spans.length = 0),
    onStart() {},
    onEnd: (span) => void spans.push(span),
    export(exported, done) {
      spans.push(...exported)
      done({ code: EXPORT_SUCCESS })
    },
    async forceFlush() {},
    async shutdown() {},
  }
}

const EXPORT_SUCCESS = 0
