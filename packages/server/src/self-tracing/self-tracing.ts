import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'

/** Traces of this server about itself, for `--self-tracing`. */
export type OwnTraces = {
  /**
   * Starts a trace, or nothing when there were enough this second. What is recorded inside of it,
   * also later, is part of it; it is sent soon after.
   */
  request(name: string): OwnSpan | undefined
  /** Runs `act` so that its `child` spans are below `span`. */
  within<T>(span: OwnSpan, act: () => T): T
  /** A span below the one that runs; undefined when none does. */
  child(name: string): OwnSpan | undefined
  /**
   * A trace of an id that the caller chose. It waits until somebody asks or sends something: see
   * `wake`.
   */
  aside(name: string, traceId: string): OwnSpan
  /** Whether another trace fits into this second. */
  mayStart(): boolean
  /**
   * Somebody else did something: what has been recorded, and what is in the next second, is sent.
   */
  wake(): void
  /** Sends no more. */
  stop(): void
}

export type OwnSpan = {
  readonly traceId: string
  end(attributes: OwnAttributes, error?: string): void
}

export type OwnAttributes = Readonly<Record<string, string | number>>

export type OwnTracesOptions = {
  readonly version: string
  /** Takes an OTLP request in its JSON form. What it rejects is lost. */
  readonly send: (request: object) => Promise<void>
}

/** More than a person looks at, and too few to be seen in the load. */
const TRACES_A_SECOND = 10
const SPANS_A_TRACE = 64
const SPANS_WAITING = 1000
const SEND_AFTER_MS = 1000

/**
 * Records spans and sends them once a second. What sending causes, the insert of these very spans,
 * is recorded too but does not wake anybody: a server that nobody uses sends nothing.
 */
export function ownTraces({ version, send }: OwnTracesOptions): OwnTraces {
  const running = new AsyncLocalStorage<Place>()
  let waiting: object[] = []
  let timer: NodeJS.Timeout | undefined
  let second = 0
  let inSecond = 0
  let stopped = false

  const wake = (): void => {
    if (timer !== undefined || stopped) return
    timer = setTimeout(() => {
      timer = undefined
      const spans = waiting
      waiting = []
      if (spans.length > 0) void send(requestOf(version, spans)).catch(() => {})
    }, SEND_AFTER_MS).unref()
  }
  const mayStart = (): boolean => {
    const now = Math.floor(performance.now() / 1000)
    if (now !== second) inSecond = 0
    second = now
    inSecond += 1
    return inSecond <= TRACES_A_SECOND
  }
  const start = (name: string, place: Place, kind: number, parentSpanId?: string, ended?: () => void): PlacedSpan => {
    const startNano = BigInt(Date.now()) * 1_000_000n
    const began = performance.now()
    return {
      place,
      traceId: place.traceId,
      end: (attributes, error) => {
        const nanos = BigInt(Math.round((performance.now() - began) * 1e6))
        if (waiting.length < SPANS_WAITING) {
          waiting.push({
            traceId: place.traceId,
            spanId: place.spanId,
            ...(parentSpanId === undefined ? {} : { parentSpanId }),
            name,
            kind,
            startTimeUnixNano: String(startNano),
            endTimeUnixNano: String(startNano + nanos),
            attributes: Object.entries(attributes).map(keyValue),
            ...(error === undefined ? {} : { status: { code: 2, message: error } }),
          })
        }
        ended?.()
      },
    }
  }
  return {
    mayStart,
    wake,
    request: (name) => {
      if (!mayStart()) return undefined
      return start(name, placeIn(randomBytes(16).toString('hex')), KIND.server, undefined, wake)
    },
    within: (span, act) => running.run((span as PlacedSpan).place, act),
    child: (name) => {
      const parent = running.getStore()
      if (parent === undefined || parent.children >= SPANS_A_TRACE) return undefined
      parent.children += 1
      return start(name, placeIn(parent.traceId), KIND.client, parent.spanId)
    },
    aside: (name, traceId) => start(name, placeIn(traceId), KIND.client),
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
  }
}

type Place = { readonly traceId: string; readonly spanId: string; children: number }

type PlacedSpan = OwnSpan & { readonly place: Place }

// https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
const KIND = { server: 2, client: 3 } as const

function placeIn(traceId: string): Place {
  return { traceId, spanId: randomBytes(8).toString('hex'), children: 0 }
}

function requestOf(version: string, spans: readonly object[]): object {
  const attributes = Object.entries({ 'service.name': 'spanlink', 'service.version': version }).map(keyValue)
  return {
    resourceSpans: [{ resource: { attributes }, scopeSpans: [{ scope: { name: 'spanlink', version }, spans }] }],
  }
}

function keyValue([key, value]: readonly [string, string | number]): object {
  return { key, value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) } }
}
