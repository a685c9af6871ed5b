/** A span that took a message, as far as rows of spans and of links tell. */
export type Consumption = {
  readonly producerKey: string
  readonly consumedRef: { readonly traceId: string; readonly spanId: string }
  /** Where it is known. */
  readonly parentSpanId?: string
  readonly service: string
  readonly isReceive: boolean
  readonly start: bigint
  readonly end: bigint
}

/**
 * Of the spans of one trace that took the same message the innermost: a receive span and a batch's
 * span link to the producers of its messages, and so does each message's span. Rows of links name
 * no parent: there, times show which span lies within another.
 */
export function keepInnerSpans<One extends Consumption>(taken: readonly One[]): One[] {
  const deliveries = Map.groupBy(taken, (one) => `${one.producerKey} ${one.consumedRef.traceId} ${one.service}`)
  return [...deliveries.values()].flatMap((all) => {
    const processed = all.filter(({ isReceive }) => !isReceive)
    const same = processed.length > 0 ? processed : all
    if (same.length > MAX_COMPARED) return same
    return same.filter((outer, place) => !same.some((one, at) => isWithin(one, outer, at > place)))
  })
}

/**
 * Messages of one producer's context in one trace; with more, spans around others count as well.
 */
const MAX_COMPARED = 500

/**
 * SDKs of JavaScript round starts to milliseconds: a child may begin before its parent, or end
 * after it.
 */
const CLOCK_STEP_NANO = 2_000_000n

/** @param isLater decides between spans of the same length */
function isWithin(one: Consumption, outer: Consumption, isLater: boolean): boolean {
  const [{ spanId }, { spanId: outerId }] = [one.consumedRef, outer.consumedRef]
  if (spanId === outerId || outer.parentSpanId === spanId) return false
  if (one.parentSpanId === outerId) return true
  const areSiblings = one.parentSpanId !== undefined && one.parentSpanId === outer.parentSpanId
  const [length, outerLength] = [one.end - one.start, outer.end - outer.start]
  if (areSiblings || length > outerLength || (length === outerLength && !isLater)) return false
  return outer.start - CLOCK_STEP_NANO <= one.start && one.end <= outer.end + CLOCK_STEP_NANO
}
