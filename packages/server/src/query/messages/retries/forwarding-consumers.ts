import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import { keyBySpan } from '../messaging-spans/find-messaging-spans.ts'
import { isConsuming, type MessagingSpan } from '../messaging-spans/messaging-span.ts'
import { findBySpan, selectParent } from '../messaging-spans/shared-ids.ts'
import type { SpanLookup } from '../messaging-spans/span-lookup.ts'

type SpansByRef = ReadonlyMap<string, readonly MessagingSpan[]>

/**
 * Finds the consumer that forwarded a message, by the key of the sending span: its nearest
 * consuming ancestor. Otherwise the one that the span or its nearest ancestor links to, as when
 * another service sends the dead letter; none if there are links to several consumers.
 */
export async function findForwardingConsumers(
  lookup: SpanLookup,
  sends: readonly MessagingSpan[],
): Promise<ReadonlyMap<string, MessagingSpan>> {
  const byRef = await readSpansByRef(lookup, sends)
  const found = new Map<string, MessagingSpan>()
  const open: { readonly key: string; readonly path: readonly MessagingSpan[] }[] = []
  for (const send of sends) {
    const key = toSpanKey(send)
    const start = findBySpan(byRef.get(toRefKey(send)), send)
    const consumer = findConsumer(byRef, start)
    if (consumer === undefined) open.push({ key, path: [...walkUp(byRef, start)] })
    else found.set(key, consumer)
  }
  if (open.length === 0) return found
  const onPaths = open.flatMap(({ path }) => path)
  const links = await lookup.linksFrom(onPaths)
  const targets = await readSpansByRef(
    lookup,
    links.map(({ producerRef }) => producerRef),
  )
  const linksOf = Map.groupBy(links, ({ consumedRef }) => toSpanKey(consumedRef))
  for (const { key, path } of open) {
    for (const span of path) {
      const consumers = (linksOf.get(toSpanKey(span)) ?? []).flatMap(({ producerRef }) => {
        const target = selectParent(targets.get(toRefKey(producerRef)), span)
        return findConsumer(targets, target) ?? []
      })
      const [consumer, ...others] = keyBySpan(consumers).values()
      if (consumer === undefined) continue
      if (others.length === 0) found.set(key, consumer)
      break
    }
  }
  return found
}

/** Limit of the spans inside one consumer. */
const MAX_INSIDE = 200

/** Finds the descendants of consumers, nearest first. Consuming descendants are separate work. */
export async function findSpansInside(
  lookup: SpanLookup,
  consumers: readonly MessagingSpan[],
): Promise<MessagingSpan[]> {
  const byRef = await readSpansByRef(lookup, consumers)
  const byParent = Map.groupBy([...byRef.values()].flat(), (span) => span.traceId + span.parentSpanId)
  const isChild = (child: MessagingSpan, parent: MessagingSpan): boolean => {
    const selected = selectParent(byRef.get(toRefKey(parent)), child)
    return selected !== undefined && toSpanKey(selected) === toSpanKey(parent)
  }
  const findChildren = (parent: MessagingSpan): MessagingSpan[] =>
    (byParent.get(toRefKey(parent)) ?? []).filter((child) => !isConsuming(child) && isChild(child, parent))
  return consumers.flatMap((consumer) => {
    // A map yields entries that are added while it is read.
    const found = keyBySpan([consumer])
    for (const span of found.values()) {
      if (found.size > MAX_INSIDE) break
      for (const child of findChildren(span)) found.set(toSpanKey(child), child)
    }
    return [...found.values()].slice(1, MAX_INSIDE + 1)
  })
}

async function readSpansByRef(lookup: SpanLookup, refs: readonly { readonly traceId: string }[]): Promise<SpansByRef> {
  return Map.groupBy(await lookup.spansOf(refs), toRefKey)
}

/** Stops at the nearest: a trace may be a chain of thousands of retries. */
function findConsumer(byRef: SpansByRef, start: MessagingSpan | undefined): MessagingSpan | undefined {
  for (const span of walkUp(byRef, start)) if (isConsuming(span)) return span
  return undefined
}

/** Yields a span and its ancestors. */
export function* walkUp(byRef: SpansByRef, start: MessagingSpan | undefined): Generator<MessagingSpan> {
  const seen = new Set<string>()
  for (let at = start; at !== undefined && !seen.has(toSpanKey(at));) {
    seen.add(toSpanKey(at))
    yield at
    at = selectParent(byRef.get(at.traceId + at.parentSpanId), at)
  }
}
