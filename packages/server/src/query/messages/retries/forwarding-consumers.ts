import type { FlowSpanRow } from '../../flows/flow-span.ts'
import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import { findMessageLinks } from '../deliveries/message-links.ts'
import { isConsuming, type MessagingSpan } from '../messaging-spans/messaging-span.ts'
import { findBySpan, selectParent } from '../messaging-spans/shared-ids.ts'
import type { MessageListRequest } from '../message-list.ts'

type SpansByRef = ReadonlyMap<string, readonly FlowSpanRow[]>

/**
 * Finds the consumer that forwarded a message, by the key of the sending span: its nearest
 * consuming ancestor. Otherwise the one that the span or its nearest ancestor links to, as when
 * another service sends the dead letter; none if there are links to several consumers.
 */
export async function findForwardingConsumers(
  { store, traces, options }: Pick<MessageListRequest, 'store' | 'traces' | 'options'>,
  sends: readonly MessagingSpan[],
): Promise<ReadonlyMap<string, MessagingSpan>> {
  const found = new Map(await findEnclosingConsumers(traces, sends))
  const open = sends.filter((send) => !found.has(toSpanKey(send)))
  if (open.length === 0) return found
  const byRef = await readSpansByRef(traces, open)
  const paths = open.map((send) => ({ send, path: [...walkUp(byRef, findBySpan(byRef.get(toRefKey(send)), send))] }))
  const onPaths = paths.flatMap(({ path }) => path)
  const links = await findMessageLinks(store, onPaths, 'out', options)
  const targets = await readSpansByRef(
    traces,
    links.map(({ producerRef }) => producerRef),
  )
  const linksOf = Map.groupBy(links, ({ consumedRef }) => toSpanKey(consumedRef))
  for (const { send, path } of paths) {
    for (const span of path) {
      const consumers = (linksOf.get(toSpanKey(span)) ?? []).flatMap(({ producerRef }) => {
        const target = selectParent(targets.get(toRefKey(producerRef)), span)
        return findConsumer(targets, target) ?? []
      })
      const [consumer, ...others] = new Map(consumers.map((one) => [toSpanKey(one), one])).values()
      if (consumer === undefined) continue
      if (others.length === 0) found.set(toSpanKey(send), consumer)
      break
    }
  }
  return found
}

/** Finds the nearest consuming ancestor of each span, by the span's key. */
async function findEnclosingConsumers(
  traces: MessageListRequest['traces'],
  spans: readonly MessagingSpan[],
): Promise<ReadonlyMap<string, MessagingSpan>> {
  const byRef = await readSpansByRef(traces, spans)
  return new Map(
    spans.flatMap((span) => {
      const consumer = findConsumer(byRef, findBySpan(byRef.get(toRefKey(span)), span))
      return consumer === undefined ? [] : [[toSpanKey(span), consumer] as const]
    }),
  )
}

/** Limit of the spans inside one consumer. */
const MAX_INSIDE = 200

/** Finds the descendants of consumers, nearest first. Consuming descendants are separate work. */
export async function findSpansInside(
  traces: MessageListRequest['traces'],
  consumers: readonly MessagingSpan[],
): Promise<MessagingSpan[]> {
  const byRef = await readSpansByRef(traces, consumers)
  const byParent = Map.groupBy([...byRef.values()].flat(), (span) => span.traceId + span.parentSpanId)
  const isChild = (child: FlowSpanRow, parent: MessagingSpan): boolean => {
    const selected = selectParent(byRef.get(toRefKey(parent)), child)
    return selected !== undefined && toSpanKey(selected) === toSpanKey(parent)
  }
  const findChildren = (parent: MessagingSpan): MessagingSpan[] =>
    (byParent.get(toRefKey(parent)) ?? []).filter((child) => !isConsuming(child) && isChild(child, parent))
  return consumers.flatMap((consumer) => {
    // A map yields entries that are added while it is read.
    const found = new Map([[toSpanKey(consumer), consumer]])
    for (const span of found.values()) {
      if (found.size > MAX_INSIDE) break
      for (const child of findChildren(span)) found.set(toSpanKey(child), child)
    }
    return [...found.values()].slice(1, MAX_INSIDE + 1)
  })
}

async function readSpansByRef(
  traces: MessageListRequest['traces'],
  refs: readonly { readonly traceId: string }[],
): Promise<SpansByRef> {
  return Map.groupBy(await traces.spansOf(refs.map(({ traceId }) => traceId)), toRefKey)
}

function findConsumer(byRef: SpansByRef, start: FlowSpanRow | undefined): MessagingSpan | undefined {
  for (const span of walkUp(byRef, start)) if (isConsuming(span)) return span
  return undefined
}

/** Yields a span and its ancestors. */
function* walkUp(byRef: SpansByRef, start: FlowSpanRow | undefined): Generator<FlowSpanRow> {
  const seen = new Set<string>()
  for (let at = start; at !== undefined && !seen.has(toSpanKey(at));) {
    seen.add(toSpanKey(at))
    yield at
    at = selectParent(byRef.get(at.traceId + at.parentSpanId), at)
  }
}
