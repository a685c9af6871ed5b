import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'

/** Traces of this server itself, for `--self-tracing`. */
export type SelfTracing = {
  /**
   * Starts the root span of a trace; its end schedules the export. Returns undefined if the quota
   * of this second is used up.
   */
  startTrace(name: string): RecordedSpan | undefined
  /** Runs `act`; `startChild` inside it, also asynchronously, starts children of `span`. */
  runInSpan<T>(span: RecordedSpan, act: () => T): T
  /** Starts a child of the current span; undefined without one or beyond 64 children. */
  startChild(name: string): RecordedSpan | undefined
  /**
   * Starts a span without a parent in the trace `traceId`. It starts no export: the span waits for
   * the next `scheduleExport`.
   */
  startDetached(name: string, traceId: string): RecordedSpan
  /** Takes one trace of this second's quota; false if it is used up. */
  hasTraceQuota(): boolean
  /** Exports the recorded spans, and those of the next second, after a second. */
  scheduleExport(): void
  /** Stops the export; queued spans are dropped. */
  stop(): void
}

export type RecordedSpan = {
  readonly traceId: string
  end(attributes: SpanAttributes, error?: string): void
}

export type SpanAttributes = Readonly<Record<string, string | number>>

export type SelfTracingOptions = {
  readonly version: string
  /** Sends an OTLP request in its JSON form. If it rejects, the spans are lost. */
  readonly send: (request: object) => Promise<void>
}

/** More than a person looks at, and no measurable load. */
const MAX_TRACES_PER_SECOND = 10
const MAX_SPANS_PER_TRACE = 64
const MAX_QUEUED_SPANS = 1000
const EXPORT_DELAY_MS = 1000

/**
 * Records spans and exports them at most once a second. The insert of exported spans is recorded
 * too but schedules no export: otherwise an idle server would export forever.
 */
export function startSelfTracing({ version, send }: SelfTracingOptions): SelfTracing {
  const running = new AsyncLocalStorage<SpanContext>()
  let waiting: object[] = []
  let timer: NodeJS.Timeout | undefined
  let second = 0
  let inSecond = 0
  let stopped = false

  const scheduleExport = (): void => {
    if (timer !== undefined || stopped) return
    timer = setTimeout(() => {
      timer = undefined
      const spans = waiting
      waiting = []
      if (spans.length > 0) void send(createRequest(version, spans)).catch(() => {})
    }, EXPORT_DELAY_MS).unref()
  }
  const hasTraceQuota = (): boolean => {
    const now = Math.floor(performance.now() / 1000)
    if (now !== second) inSecond = 0
    second = now
    inSecond += 1
    return inSecond <= MAX_TRACES_PER_SECOND
  }
  const start = (
    name: string,
    context: SpanContext,
    kind: number,
    parentSpanId?: string,
    ended?: () => void,
  ): ContextSpan => {
    const startNano = BigInt(Date.now()) * 1_000_000n
    const startedAt = performance.now()
    return {
      context,
      traceId: context.traceId,
      end: (attributes, error) => {
        const nanos = BigInt(Math.round((performance.now() - startedAt) * 1e6))
        if (waiting.length < MAX_QUEUED_SPANS) {
          waiting.push({
            traceId: context.traceId,
            spanId: context.spanId,
            ...(parentSpanId === undefined ? {} : { parentSpanId }),
            name,
            kind,
            startTimeUnixNano: String(startNano),
            endTimeUnixNano: String(startNano + nanos),
            attributes: Object.entries(attributes).map(toKeyValue),
            ...(error === undefined ? {} : { status: { code: 2, message: error } }),
          })
        }
        ended?.()
      },
    }
  }
  return {
    hasTraceQuota,
    scheduleExport,
    startTrace: (name) => {
      if (!hasTraceQuota()) return undefined
      return start(name, createContext(randomBytes(16).toString('hex')), KIND.server, undefined, scheduleExport)
    },
    runInSpan: (span, act) => running.run((span as ContextSpan).context, act),
    startChild: (name) => {
      const parent = running.getStore()
      if (parent === undefined || parent.children >= MAX_SPANS_PER_TRACE) return undefined
      parent.children += 1
      return start(name, createContext(parent.traceId), KIND.client, parent.spanId)
    },
    startDetached: (name, traceId) => start(name, createContext(traceId), KIND.client),
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
  }
}

type SpanContext = { readonly traceId: string; readonly spanId: string; children: number }

type ContextSpan = RecordedSpan & { readonly context: SpanContext }

// https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
const KIND = { server: 2, client: 3 } as const

function createContext(traceId: string): SpanContext {
  return { traceId, spanId: randomBytes(8).toString('hex'), children: 0 }
}

function createRequest(version: string, spans: readonly object[]): object {
  const attributes = Object.entries({ 'service.name': 'spanlink', 'service.version': version }).map(toKeyValue)
  return {
    resourceSpans: [{ resource: { attributes }, scopeSpans: [{ scope: { name: 'spanlink', version }, spans }] }],
  }
}

function toKeyValue([key, value]: readonly [string, string | number]): object {
  return { key, value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) } }
}
