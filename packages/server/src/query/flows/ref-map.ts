import type { SpanRef } from '../links/span-ref.ts'

/** Values by trace id and span id, without joining the two for each lookup. */
export class RefMap<Value> {
  readonly #traces = new Map<string, Map<string, Value>>()

  get({ traceId, spanId }: SpanRef): Value | undefined {
    return this.#traces.get(traceId)?.get(spanId)
  }

  /** Returns the value of `ref`, or adds this one. */
  getOrAdd({ traceId, spanId }: SpanRef, create: () => Value): Value {
    let ofTrace = this.#traces.get(traceId)
    if (ofTrace === undefined) {
      ofTrace = new Map()
      this.#traces.set(traceId, ofTrace)
    }
    let value = ofTrace.get(spanId)
    if (value === undefined) {
      value = create()
      ofTrace.set(spanId, value)
    }
    return value
  }
}
