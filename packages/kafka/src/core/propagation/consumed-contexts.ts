// A send whose headers hold a `traceparent` is either an outbox (the creation context is the user's
// and stays) or a forward (`headers: message.headers`, and the context is a previous hop's). The
// conventions don't tell them apart; we do, by remembering the span ids of the creation contexts
// that were extracted here. Span ids are 64 random bits, so a match is no accident. A ring costs
// one store per message and is searched only for messages that come with a context.
const CAPACITY = 4096

const ring: string[] = Array.from({ length: CAPACITY }, () => '')
let next = 0

export function addConsumedContext(spanId: string): void {
  ring[next] = spanId
  next = (next + 1) % CAPACITY
}

/** Whether one of the last 4,096 messages consumed in this process was created by span `spanId`. */
export function hasConsumed(spanId: string): boolean {
  return ring.includes(spanId)
}
