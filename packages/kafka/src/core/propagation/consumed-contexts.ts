// A sent message with a `traceparent` is an outbox record, which keeps its context, or a forward
// (`headers: message.headers`), whose context belongs to the previous hop. Span ids of consumed
// creation contexts distinguish them: a ring costs one store per message.
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
