import { toRefKey, toSpanKey, type SpanIdentity, type SpanRef } from '../../links/span-ref.ts'
import type { StoreAccess, TimedRef } from './find-messaging-spans.ts'
import { loadManyRefs, loadSentBefore } from './load-many.ts'
import { loadRefs, loadTraces } from './load-spans.ts'
import { isProducing, type MessagingSpan, selectConsumingChildren } from './messaging-span.ts'
import { createSpanIndex } from './span-index.ts'
import type { FoundLink, SpanDetails, StoredSpan } from './stored-span.ts'

type Ids = readonly { readonly traceId: string }[]

/**
 * Looks up spans, and links in both directions, of one request. Each is read once, in as few
 * statements as possible: chains of messages return to the same traces.
 */
export type SpanLookup = StoreAccess & {
  /** Adds spans that were found otherwise. */
  readonly add: (spans: readonly StoredSpan[]) => void
  /** Finds spans by id, keyed by `toRefKey`: all that share the id. Missing spans are omitted. */
  readonly spansByRef: (refs: readonly SpanRef[]) => Promise<Map<string, readonly StoredSpan[]>>
  /**
   * Like `spansByRef`, but may return only the span that produces, of those that share an id.
   *
   * @param sharing returned only if they are found with the others
   */
  readonly causesByRef: (
    refs: readonly TimedRef[],
    sharing: readonly TimedRef[],
  ) => Promise<Map<string, readonly StoredSpan[]>>
  /** Finds spans by id, kind and service, keyed by `toSpanKey`. */
  readonly spansByIdentity: (spans: readonly SpanIdentity[]) => Promise<Map<string, StoredSpan>>
  /** Finds what only attributes and events have, keyed by `toSpanKey`. */
  readonly detailsOf: (spans: readonly SpanIdentity[]) => Promise<Map<string, SpanDetails>>
  /** Whether `detailsOf` needs no statement. */
  readonly hasDetails: (span: SpanIdentity) => boolean
  /**
   * Finds consumers whose parent is one of these spans (parent mode). Consumers that share a
   * producer's id count as its children.
   */
  readonly consumingChildren: (parents: readonly MessagingSpan[]) => Promise<StoredSpan[]>
  readonly producingChildren: (parents: readonly SpanRef[]) => Promise<StoredSpan[]>
  /** Finds distinct links that point to these spans, stored or not. */
  readonly linksTo: (refs: readonly SpanRef[]) => Promise<FoundLink[]>
  /** Finds distinct links that these spans carry. */
  readonly linksFrom: (spans: readonly SpanIdentity[]) => Promise<FoundLink[]>
  /** Finds all spans of these traces; a subset when there are too many. */
  readonly spansOf: (ids: Ids) => Promise<readonly StoredSpan[]>
}

/** Up to this number of traces are read whole, as most of their spans are needed later. */
const MAX_WHOLE_TRACES = 64

/** Rows of such a trace; of a larger one, only what belongs to the requested spans is read. */
const MAX_SMALL_TRACE = 1_000

/** From this number of traces on, it pays off to read columns of `spans`. */
const MIN_MANY_TRACES = 250

/** Rows of a trace that is requested as a whole. */
const MAX_TRACE_ROWS = 20_000

export function createSpanLookup({ store, options }: StoreAccess): SpanLookup {
  const access = { store, options }
  const index = createSpanIndex()
  const wholeTraces = new Set<string>()
  const loaded = new Map<string, Promise<void>>()
  const triedTraces = new Map<string, Promise<unknown>>()
  let batch: Batch | undefined

  const loadWhole = async (traceIds: readonly string[], maxRows: number): Promise<ReadonlySet<string>> => {
    const cut = await loadTraces(access, index, traceIds, maxRows)
    for (const id of traceIds) if (!cut.has(id)) wholeTraces.add(id)
    return cut
  }
  const loadNow = async (refs: readonly SpanRef[]): Promise<void> => {
    const traceIds = listTraceIds(refs)
    if (traceIds.length <= MAX_WHOLE_TRACES) {
      const cut = await loadWhole(traceIds, MAX_SMALL_TRACE)
      await loadRefs(
        access,
        index,
        refs.filter(({ traceId }) => cut.has(traceId)),
      )
    } else {
      const isMany = traceIds.length >= MIN_MANY_TRACES
      await loadRefs(access, index, isMany ? await loadManyRefs(access, index, refs) : refs)
    }
  }
  const startBatch = (): Batch => {
    const refs = new Map<string, SpanRef>()
    const run = async (): Promise<void> => {
      await Promise.resolve()
      batch = undefined
      await loadNow([...refs.values()])
    }
    return { refs, done: run() }
  }
  /** Requests of the same tick share a statement. */
  const load = async (refs: readonly SpanRef[]): Promise<void> => {
    const waiting = new Set<Promise<void>>()
    for (const { traceId, spanId } of refs) {
      if (wholeTraces.has(traceId)) continue
      const key = traceId + spanId
      let done = loaded.get(key)
      if (done === undefined) {
        batch ??= startBatch()
        batch.refs.set(key, { traceId, spanId })
        done = batch.done
        loaded.set(key, done)
      }
      waiting.add(done)
    }
    await Promise.all(waiting)
  }
  const isLoaded = (ref: SpanRef): boolean => wholeTraces.has(ref.traceId) || loaded.has(toRefKey(ref))
  const listSharers = (refs: readonly SpanRef[]): Map<string, readonly StoredSpan[]> =>
    new Map(
      refs.flatMap((ref) => {
        const sharers = index.listSharers(ref)
        return sharers.length === 0 ? [] : [[toRefKey(ref), sharers] as const]
      }),
    )
  const findSpans = async (spans: readonly SpanIdentity[]): Promise<StoredSpan[]> => {
    const unknown = spans.filter((span) => index.findSpan(span) === undefined)
    // Few are read together with links and children of the known ones, which are needed next.
    const isFew = unknown.length > 0 && listTraceIds(spans).length <= MAX_WHOLE_TRACES
    await load(isFew ? spans : unknown)
    return spans.flatMap((span) => index.findSpan(span) ?? [])
  }

  return {
    ...access,
    add: (spans) => {
      for (const span of spans) index.addSpan(span)
    },
    spansByRef: async (refs) => {
      await load(refs)
      return listSharers(refs)
    },
    causesByRef: async (refs, sharing) => {
      const isOpen = (ref: SpanRef): boolean => !index.listSharers(ref).some(isProducing)
      const unknown = [...refs, ...sharing].filter((ref) => !isLoaded(ref) && isOpen(ref))
      if (listTraceIds(unknown).length > MAX_WHOLE_TRACES) await loadSentBefore(access, index, unknown)
      await load(refs.filter(isOpen))
      return listSharers([...refs, ...sharing])
    },
    spansByIdentity: async (spans) => new Map((await findSpans(spans)).map((span) => [toSpanKey(span), span])),
    detailsOf: async (spans) => {
      const listUnknown = (): SpanIdentity[] => spans.filter((span) => index.findDetails(span) === undefined)
      if (listTraceIds(listUnknown()).length <= MAX_WHOLE_TRACES) await load(listUnknown())
      await loadRefs(
        access,
        index,
        listUnknown().filter(({ traceId }) => !wholeTraces.has(traceId)),
      )
      return new Map(
        spans.flatMap((span) => {
          const details = index.findDetails(span)
          return details === undefined ? [] : [[toSpanKey(span), details]]
        }),
      )
    },
    hasDetails: (span) => index.findDetails(span) !== undefined,
    consumingChildren: async (parents) => {
      await load(parents)
      const children = parents.flatMap((parent) => [...index.listChildren(parent), ...index.listSharers(parent)])
      return selectConsumingChildren(parents, children)
    },
    producingChildren: async (parents) => {
      await load(parents)
      return parents.flatMap((parent) => index.listChildren(parent)).filter(isProducing)
    },
    linksTo: async (refs) => {
      await load(refs)
      const distinct = new Map(refs.map((ref) => [toRefKey(ref), ref]))
      return [...distinct.values()].flatMap((ref) => index.listLinksTo(ref))
    },
    linksFrom: async (spans) => {
      const distinct = new Map(spans.map((span) => [toSpanKey(span), span]))
      return (await findSpans([...distinct.values()])).flatMap(({ links }) => links)
    },
    spansOf: async (ids) => {
      const traceIds = listTraceIds(ids)
      const missing = traceIds.filter((id) => !wholeTraces.has(id) && !triedTraces.has(id))
      const loading = loadWhole(missing, MAX_TRACE_ROWS)
      for (const id of missing) triedTraces.set(id, loading)
      await Promise.all(traceIds.map((id) => triedTraces.get(id)))
      return traceIds.flatMap(index.listTrace)
    },
  }
}

type Batch = { readonly refs: Map<string, SpanRef>; readonly done: Promise<void> }

function listTraceIds(ids: Ids): string[] {
  return [...new Set(ids.map(({ traceId }) => traceId))]
}
