import { INVALID_SPANID, INVALID_TRACEID, defaultTextMapSetter, propagation, trace } from '@opentelemetry/api'
import type { Context, SpanContext, TextMapPropagator } from '@opentelemetry/api'
import { reportFailure, warnOnce } from '../diagnostics.ts'
import { headerGetter, type HeaderEntries } from './headers.ts'

/** Applies the application's propagator to record headers. Nothing here throws. */
export interface HeaderPropagation {
  /** Lower-case names of the headers the propagator writes; empty when there is none. */
  getFields(): ReadonlySet<string>
  /** What the propagator writes for `context`. */
  inject(context: Context): HeaderEntries
  /** The same as headers of a message that has none; undefined when that is nothing. */
  injectRecord(context: Context): Record<string, string> | undefined
  /** `base` with what the propagator reads from `headers`; `base` itself when that is nothing. */
  extract(base: Context, headers: unknown): Context
}

export function createHeaderPropagation(propagator: TextMapPropagator | undefined): HeaderPropagation {
  const source: Pick<TextMapPropagator, 'inject' | 'extract' | 'fields'> = propagator ?? propagation
  let known: readonly string[] = []
  let names: ReadonlySet<string> = new Set()
  return {
    getFields() {
      try {
        const fields = source.fields()
        // The global propagator may be replaced at any time, so the names are compared on each
        // call.
        if (!isSameList(fields, known)) {
          known = [...fields]
          names = new Set(known.map((field) => field.toLowerCase()))
        }
      } catch (error) {
        reportFailure("read the propagator's fields", error)
      }
      return names
    },
    inject(context) {
      const entries: string[] = []
      try {
        source.inject(context, entries, entrySetter)
      } catch (error) {
        reportFailure('inject the context into record headers', error)
      }
      if (entries.length === 0 && this.getFields().size === 0) warnOnce(NO_PROPAGATOR)
      return entries
    },
    injectRecord(context) {
      const record: Record<string, string> = {}
      try {
        source.inject(context, record, defaultTextMapSetter)
      } catch (error) {
        reportFailure('inject the context into record headers', error)
      }
      for (const _ in record) return record
      if (this.getFields().size === 0) warnOnce(NO_PROPAGATOR)
      return undefined
    },
    extract(base, headers) {
      if (headers === undefined || headers === null) return base
      try {
        return source.extract(base, headers, headerGetter)
      } catch (error) {
        reportFailure('extract a context from record headers', error)
        return base
      }
    },
  }
}

// Called for every send: no closure.
function isSameList(some: readonly string[], others: readonly string[]): boolean {
  if (some.length !== others.length) return false
  for (let i = 0; i < some.length; i += 1) if (some[i] !== others[i]) return false
  return true
}

/** Returns the creation context that an extraction found; its base must not hold a span. */
export function getCreationContext(extracted: Context): SpanContext | undefined {
  const found = trace.getSpanContext(extracted)
  return found !== undefined && isValidSpanContext(found) ? found : undefined
}

// Twice as fast as the API's `isSpanContextValid`, for every message of a batch. Some propagators
// (Jaeger) accept any text, and one invalid id in a link fails a whole export.
function isValidSpanContext({ traceId, spanId }: SpanContext): boolean {
  return (
    traceId.length === 32 &&
    spanId.length === 16 &&
    traceId !== INVALID_TRACEID &&
    spanId !== INVALID_SPANID &&
    !NO_HEX.test(traceId) &&
    !NO_HEX.test(spanId)
  )
}

const NO_HEX = /[^0-9a-fA-F]/

const entrySetter = {
  set(entries: string[], key: string, value: string): void {
    entries.push(key, value)
  },
}

const NO_PROPAGATOR =
  'no propagator is registered, so messages carry no context and traces end at the topic: ' +
  'start the OpenTelemetry SDK before the first message, or pass the option `propagator`'
