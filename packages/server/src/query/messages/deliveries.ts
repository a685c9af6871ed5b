import type { QueryOptions, Store } from '../../store/store.ts'
import { NO_TRACE, type SpanRef } from '../linked-span.ts'
import { byIds, spanRefSet, traceIdSet } from '../messaging/id-parameters.ts'
import { messagingValue } from '../messaging/messaging-sql.ts'
import { consumingChildren, endsByRef, isConsuming, keyOf, type MessageEnd } from './message-end.ts'
import type { TracesRead } from './traces-read.ts'

/** One message on its way: what produced it and what took it, either of them missing while it isn't here. */
export type Delivery = {
  readonly producedRef: SpanRef
  readonly consumedRef: SpanRef
  readonly produced: MessageEnd | undefined
  readonly consumed: MessageEnd | undefined
  /** Of the link, which tells the messages of a batch apart; else of the spans. */
  readonly topic: string
  readonly partition: string
  readonly offset: string
}

/** Where spans are looked up. */
export type EndsFrom = Pick<TracesRead, 'endsByRef' | 'consumingChildren'>

/**
 * Each span by itself: right where few spans of many traces are looked at.
 *
 * @param known needn't be looked up
 */
export function oneByOne(store: Store, options: QueryOptions, known: readonly MessageEnd[] = []): EndsFrom {
  const knownByKey = new Map(known.map((end) => [keyOf(end), end]))
  return {
    endsByRef: async (refs) => {
      const others = refs.filter((ref) => !knownByKey.has(keyOf(ref)))
      const found = await endsByRef(store, others, options)
      for (const ref of refs) {
        const end = knownByKey.get(keyOf(ref))
        if (end !== undefined) found.set(keyOf(ref), end)
      }
      return found
    },
    consumingChildren: (parents) => consumingChildren(store, parents, options),
  }
}

/**
 * What took the messages of these producers, over links of any age and as children.
 *
 * @param from @default each by itself
 */
export async function deliveriesOf(
  store: Store,
  producers: readonly MessageEnd[],
  options: QueryOptions,
  from: EndsFrom = oneByOne(store, options),
): Promise<Delivery[]> {
  const [links, children] = await Promise.all([
    linksOf(store, producers, 'in', options),
    from.consumingChildren(producers),
  ])
  const consumers = await from.endsByRef(links.map((link) => ({ ...link.consumedRef, start: link.consumedAt })))
  for (const child of children) consumers.set(keyOf(child), child)
  return complete([...links, ...untold(links, children)], new Map(producers.map((end) => [keyOf(end), end])), consumers)
}

/**
 * What produced the messages that these consumers took: what their links point at, and their parents where they have none.
 *
 * @param from @default each by itself
 */
export async function originsOf(
  store: Store,
  consumers: readonly MessageEnd[],
  options: QueryOptions,
  from: EndsFrom = oneByOne(store, options),
): Promise<Delivery[]> {
  const links = await linksOf(store, consumers, 'out', options)
  const linked = new Set(links.map((link) => keyOf(link.consumedRef)))
  const unlinked = consumers.filter((end) => end.parentSpanId !== '' && !linked.has(keyOf(end)))
  const all = [...links, ...untold(links, unlinked)]
  const startOf = new Map(consumers.map((end) => [keyOf(end), end.start]))
  const producers = await from.endsByRef(
    // Mostly it was sent in the minute before it was taken; a parent lies in the consumer's trace.
    all.map((link) => ({ ...link.producedRef, before: startOf.get(keyOf(link.consumedRef)) })),
  )
  return complete(all, producers, new Map(consumers.map((end) => [keyOf(end), end])))
}

type LinkedEnds = Pick<Delivery, 'producedRef' | 'consumedRef' | 'topic' | 'partition' | 'offset'>

async function linksOf(
  store: Store,
  ends: readonly MessageEnd[],
  direction: 'in' | 'out',
  options: QueryOptions,
): Promise<(LinkedEnds & { readonly consumedAt: bigint })[]> {
  if (ends.length === 0) return []
  const traces = traceIdSet(
    'traceIds',
    ends.map((end) => end.traceId),
  )
  const wanted = spanRefSet('refs', ends)
  const rows = await store.query<LinkRow>(
    `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, lower(hex(peer_trace_id)) as peerTraceId,
      lower(hex(peer_span_id)) as peerSpanId, start, ${messagingValue('topic')} as topic,
      ${messagingValue('partition')} as partition, ${messagingValue('offset')} as offset
    from span_links
    where trace_id in (${traces.sql}) and direction = {direction:String} and (trace_id, span_id) in (${wanted.sql})
      and peer_trace_id != toFixedString(unhex('${NO_TRACE}'), 16)
    limit 1 by trace_id, span_id, peer_trace_id, peer_span_id, ordinal
    limit ${MAX_LINKS}
    ${byIds}`,
    { ...traces.params, ...wanted.params, direction },
    options,
  )
  return rows.map(({ traceId, spanId, peerTraceId, peerSpanId, start, ...told }) => {
    const said = { ...told, consumedAt: BigInt(start) }
    const [here, there] = [
      { traceId, spanId },
      { traceId: peerTraceId, spanId: peerSpanId },
    ]
    return direction === 'in'
      ? { producedRef: here, consumedRef: there, ...said }
      : { producedRef: there, consumedRef: here, ...said }
  })
}

const MAX_LINKS = 100_000

type LinkRow = SpanRef & {
  readonly peerTraceId: string
  readonly peerSpanId: string
  /** Of the carrying span, the consumer, in both directions. */
  readonly start: string
  readonly topic: string
  readonly partition: string
  readonly offset: string
}

/** Children that no link tells as well. */
function untold(links: readonly LinkedEnds[], children: readonly MessageEnd[]): LinkedEnds[] {
  const told = new Set(links.map((link) => keyOf(link.producedRef) + keyOf(link.consumedRef)))
  return children
    .map((child) => ({
      producedRef: { traceId: child.traceId, spanId: child.parentSpanId },
      consumedRef: { traceId: child.traceId, spanId: child.spanId },
      topic: '',
      partition: '',
      offset: '',
    }))
    .filter((link) => !told.has(keyOf(link.producedRef) + keyOf(link.consumedRef)))
}

function complete(
  links: readonly LinkedEnds[],
  producers: ReadonlyMap<string, MessageEnd>,
  consumers: ReadonlyMap<string, MessageEnd>,
): Delivery[] {
  return links.flatMap((link) => {
    const produced = producers.get(keyOf(link.producedRef))
    const consumed = consumers.get(keyOf(link.consumedRef))
    // A consumer's parent that consumes is where it runs; a send that links to a creation context consumes nothing.
    if (produced !== undefined && isConsuming(produced)) return []
    if (consumed !== undefined && !isConsuming(consumed)) return []
    return [
      {
        ...link,
        produced,
        consumed,
        topic: link.topic || consumed?.topic || produced?.topic || '',
        partition: link.partition || consumed?.partition || produced?.partition || '',
        offset: link.offset || consumed?.offset || produced?.offset || '',
      },
    ]
  })
}
