/** A span that took a message, as far as rows of spans and of links tell. */
export type Taking = {
  readonly producedKey: string
  readonly consumedRef: { readonly traceId: string; readonly spanId: string }
  readonly service: string
  readonly isReceive: boolean
  readonly start: bigint
  readonly end: bigint
}

/**
 * Of the spans of one trace that took the same message the innermost: a receive span and a batch's span link to the producers of its
 * messages, and so does each message's span. Spans that lie within others are told by their times, which every row has.
 */
export function withoutOuterSpans<One extends Taking>(taken: readonly One[]): One[] {
  const deliveries = Map.groupBy(taken, (one) => `${one.producedKey} ${one.consumedRef.traceId} ${one.service}`)
  return [...deliveries.values()].flatMap((all) => {
    if (all.length === 1) return all
    const processed = all.filter(({ isReceive }) => !isReceive)
    const same = processed.length > 0 ? processed : all
    return same.filter((outer, place) => !same.some((one, at) => isWithin(one, outer, at > place)))
  })
}

/** @param isLater decides between spans of the same time */
function isWithin(one: Taking, outer: Taking, isLater: boolean): boolean {
  if (one.consumedRef.spanId === outer.consumedRef.spanId) return false
  if (one.start === outer.start && one.end === outer.end) return isLater
  return outer.start <= one.start && one.end <= outer.end
}
