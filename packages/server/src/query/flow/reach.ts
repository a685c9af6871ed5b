import { StoreError } from '../../store/store-error.ts'
import type { QueryOptions } from '../../store/store.ts'
import type { FlowLink } from './flow-span.ts'

/** Links of all these traces in either direction, none left out unless `cut`. */
export type LinksOf = (traceIds: readonly string[], options: QueryOptions) => Promise<FoundLinks>
export type FoundLinks = { readonly links: readonly FlowLink[]; readonly cut: boolean }

export type ReachBounds = {
  readonly maxTraces: number
  readonly maxDepth: number
  /** A place in the order of traces; the page begins after it. */
  readonly after: Place | undefined
  /** `performance.now()` after which no further step is taken. */
  readonly deadline: number
}

/** Traces are ordered by distance, then id: an order that later arrivals change as little as any. */
export type Place = { readonly depth: number; readonly traceId: string }

export type Reached = {
  /** All pages up to this one, in order. */
  readonly traces: readonly Place[]
  /** Where this page begins in `traces`. */
  readonly pageStart: number
  /** Of all reached traces, those that lead out of them included. */
  readonly links: readonly FlowLink[]
  readonly truncated: {
    readonly traces: boolean
    readonly depth: boolean
    readonly time: boolean
    readonly fanOut: boolean
  }
}

/**
 * Breadth first over links in both directions, one question per step. Traces that only links know count as well: the
 * consumers of a producer that was not sampled are still one flow.
 *
 * @param onStep is told the traces of a step when their links are asked for
 */
export async function reach(
  traceId: string,
  bounds: ReachBounds,
  linksOf: LinksOf,
  options: QueryOptions,
  onStep: (traceIds: readonly string[]) => void = () => {},
): Promise<Reached> {
  const seen = new Set([traceId])
  const traces: Place[] = []
  const links = new Map<string, FlowLink>()
  const truncated = { traces: false, depth: false, time: false, fanOut: false }
  let onPage = 0
  let pageStart = 0
  let level = [traceId]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > bounds.maxDepth) {
      truncated.depth = true
      break
    }
    const timeLeft = bounds.deadline - performance.now()
    if (depth > 0 && timeLeft <= 0) {
      truncated.time = true
      break
    }
    const places = level.toSorted().map((id) => ({ depth, traceId: id }))
    const earlier = places.filter((place) => !isAfter(place, bounds.after))
    const room = bounds.maxTraces - onPage
    const taken = places.slice(0, earlier.length + room)
    truncated.traces = taken.length < places.length
    const ids = taken.map((place) => place.traceId)
    traces.push(...taken)
    pageStart += earlier.length
    onPage += taken.length - earlier.length

    onStep(ids)
    const found = await linksOf(ids, {
      ...options,
      timeoutMs: Math.max(MIN_TIMEOUT_MS, Math.ceil(timeLeft)),
    }).catch((error: unknown) => {
      if (depth > 0 && error instanceof StoreError && error.code === 'timeout') return undefined
      throw error
    })
    if (found === undefined) {
      truncated.time = true
      break
    }
    truncated.fanOut ||= found.cut
    level = []
    for (const link of found.links) {
      links.set(linkKey(link), link)
      for (const { traceId: end } of [link.carrier, link.target]) {
        if (seen.has(end)) continue
        seen.add(end)
        level.push(end)
      }
    }
    if (truncated.traces) break
    if (onPage === bounds.maxTraces && level.length > 0 && depth < bounds.maxDepth) {
      truncated.traces = true
      break
    }
  }
  return { traces, pageStart, links: [...links.values()], truncated }
}

// The first step is always given a chance: an answer without it would say nothing.
const MIN_TIMEOUT_MS = 500

function isAfter(place: Place, after: Place | undefined): boolean {
  if (after === undefined) return true
  return place.depth > after.depth || (place.depth === after.depth && place.traceId > after.traceId)
}

function linkKey({ carrier, target, ordinal }: FlowLink): string {
  return `${carrier.traceId}${carrier.spanId}${target.traceId}${target.spanId}${ordinal}`
}
