import type { FlowSpanRef } from '../flow-span.ts'
import type { Origins } from './origins.ts'
import type { TraceLoader } from './trace-loader.ts'
import type { LaneSection } from '../lanes.ts'
import { findCauses, findSection, type DividedTrace } from './lane-sections.ts'

export type ExpandBounds = {
  readonly maxTraces: number
  readonly maxDepth: number
  /**
   * Includes traces of other events whose messages the flow's batches consumed, up to their
   * origins.
   */
  readonly includeJoined: boolean
  /** The last trace of the previous page. */
  readonly after: Position | undefined
}

/**
 * Traces are ordered by distance from the opened one, then by id. Later arrivals change this order
 * as little as possible.
 */
export type Position = { readonly depth: number; readonly traceId: string }

/**
 * How a section belongs to the flow: as part of another event, below the opened trace, or caused by
 * the origin.
 */
export const JOINED = 1
const BELOW_OPENED = 2
export const CAUSED = 3

export type Expanded = {
  /** All pages up to this one, in order. */
  readonly positions: readonly Position[]
  /** Where this page begins in `positions`. */
  readonly pageStart: number
  /** Lanes of earlier pages that gained sections. */
  readonly grownLanes: ReadonlySet<string>
  readonly traces: ReadonlyMap<string, DividedTrace>
  /** `JOINED`, `SHOWN` or `CAUSED`. Sections that are absent belong to other events. */
  readonly levels: ReadonlyMap<LaneSection, number>
  /** Whether a trace of the flow is on none of these pages. */
  readonly isHidden: (traceId: string) => boolean
  readonly truncated: { readonly traces: boolean; readonly depth: boolean }
}

/**
 * Expands the flow of an event breadth first from the opened trace: up its chain of causes to the
 * origin, then down to all effects of the origin and of the opened trace. If a trace also handled
 * other events, sections that only these caused are excluded.
 */
export async function expandFlow(
  traceId: string,
  origins: Origins,
  bounds: ExpandBounds,
  { load }: TraceLoader,
): Promise<Expanded> {
  const traces = new Map<string, DividedTrace>()
  const levels = new Map<LaneSection, number>()
  const positions: Position[] = []
  const truncated = { traces: false, depth: false }
  const seen = new Set([traceId])
  let next = new Set<string>()
  /** Causes in traces that are not loaded yet, by trace. */
  const awaited = new Map<string, FlowSpanRef[]>()

  /** Sections found before this page. */
  let sectionsBefore: ReadonlySet<LaneSection> | undefined
  let onPage = 0
  let pageStart = 0
  let frontier = [traceId]
  for (let depth = 0; frontier.length > 0; depth++) {
    if (depth > bounds.maxDepth) {
      truncated.depth = true
      break
    }
    const all = frontier.toSorted().map((id) => ({ depth, traceId: id }))
    const earlier = all.filter((position) => !isAfter(position, bounds.after)).length
    const included = all.slice(0, earlier + bounds.maxTraces - onPage)
    truncated.traces = included.length < all.length
    positions.push(...included)
    pageStart += earlier
    onPage += included.length - earlier
    next = new Set()
    const loaded = await load(included.map((position) => position.traceId))
    enter(loaded.slice(0, earlier))
    if (included.length > earlier) sectionsBefore ??= new Set(levels.keys())
    enter(loaded.slice(earlier))
    for (const [id, distance] of origins.distances) if (distance === depth + 1 && !seen.has(id)) next.add(id)
    for (const id of next) seen.add(id)
    frontier = [...next]
    if (truncated.traces) break
    if (onPage === bounds.maxTraces && frontier.length > 0 && depth < bounds.maxDepth) {
      truncated.traces = true
      break
    }
  }
  const isHidden = (id: string): boolean => seen.has(id) && !traces.has(id)
  const known = new Set(positions.slice(0, pageStart).map((position) => position.traceId))
  const grown = Array.from(levels.keys()).filter(
    (section) => known.has(section.traceId) && sectionsBefore?.has(section) === false,
  )
  const grownLanes = new Set(grown.map((section) => section.laneId))
  return { positions, pageStart, grownLanes, traces, levels, isHidden, truncated }

  function enter(loaded: readonly DividedTrace[]): void {
    for (const trace of loaded) traces.set(trace.traceId, trace)
    for (const trace of loaded) {
      for (const section of trace.sections) {
        if (origins.chain.has(section)) mark(section, CAUSED)
        else if (trace.traceId === traceId) mark(section, BELOW_OPENED)
        const causeLevel = section.causes.reduce((max, ref) => Math.max(max, findLevel(ref)), 0)
        if (causeLevel > JOINED) mark(section, causeLevel)
      }
      for (const ref of awaited.get(trace.traceId) ?? []) mark(findSection(trace, ref), JOINED)
    }
  }

  function findLevel(ref: FlowSpanRef): number {
    const trace = traces.get(ref.traceId)
    return trace === undefined ? 0 : (levels.get(findSection(trace, ref)) ?? 0)
  }

  /** Marks a section and all that follows from it. Not recursive, as chains may be long. */
  function mark(first: LaneSection, firstLevel: number): void {
    const waiting: [LaneSection, number][] = [[first, firstLevel]]
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
      const [section, level] = one
      if ((levels.get(section) ?? 0) >= level) continue
      levels.set(section, level)
      const trace = traces.get(section.traceId) as DividedTrace
      if (level > JOINED) {
        for (const effect of trace.effects.get(section) ?? []) {
          const effectTrace = traces.get(effect.traceId)
          if (effectTrace !== undefined) waiting.push([findSection(effectTrace, effect), level])
          else if (!seen.has(effect.traceId)) next.add(effect.traceId)
        }
      }
      for (let { outer } = section; outer !== undefined; outer = outer.outer) {
        if (isShared(outer)) waiting.push([outer, level])
      }
      if (!bounds.includeJoined) continue
      for (const cause of findCauses(trace, section)) {
        const causeTrace = traces.get(cause.traceId)
        if (causeTrace !== undefined) waiting.push([findSection(causeTrace, cause), JOINED])
        else {
          awaited.set(cause.traceId, [...(awaited.get(cause.traceId) ?? []), cause])
          if (!seen.has(cause.traceId)) next.add(cause.traceId)
        }
      }
    }
  }
}

/** Batches and sections without causes belong to each event of a section within them. */
function isShared({ causes }: LaneSection): boolean {
  return causes.length !== 1
}

function isAfter(position: Position, after: Position | undefined): boolean {
  if (after === undefined) return true
  return position.depth > after.depth || (position.depth === after.depth && position.traceId > after.traceId)
}
