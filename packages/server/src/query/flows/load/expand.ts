import type { FlowSpanRef } from '../flow-span.ts'
import type { Origins } from './origins.ts'
import type { TraceLoader } from './trace-loader.ts'
import { findCauses, type Unit, findUnit, type UnitTrace } from './units.ts'

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
 * How a unit belongs to the flow: as part of another event, below the opened trace, or caused by
 * the origin.
 */
export const JOINED = 1
const SHOWN = 2
export const CAUSED = 3

export type Expanded = {
  /** All pages up to this one, in order. */
  readonly positions: readonly Position[]
  /** Where this page begins in `positions`. */
  readonly pageStart: number
  /** Lanes of earlier pages that gained units. */
  readonly grownLanes: ReadonlySet<string>
  readonly traces: ReadonlyMap<string, UnitTrace>
  /** `JOINED`, `SHOWN` or `CAUSED`. Units that are absent belong to other events. */
  readonly levels: ReadonlyMap<Unit, number>
  /** Whether a trace of the flow is on none of these pages. */
  readonly isHidden: (traceId: string) => boolean
  readonly truncated: { readonly traces: boolean; readonly depth: boolean }
}

/**
 * Expands the flow of an event breadth first from the opened trace: up its chain of causes to the
 * origin, then down to all effects of the origin and of the opened trace. If a trace also handled
 * other events, units that only these caused are excluded.
 */
export async function expandFlow(
  traceId: string,
  origins: Origins,
  bounds: ExpandBounds,
  { load }: TraceLoader,
): Promise<Expanded> {
  const traces = new Map<string, UnitTrace>()
  const levels = new Map<Unit, number>()
  const positions: Position[] = []
  const truncated = { traces: false, depth: false }
  const seen = new Set([traceId])
  let next = new Set<string>()
  /** Causes in traces that are not loaded yet, by trace. */
  const awaited = new Map<string, FlowSpanRef[]>()

  /** Units found before this page. */
  let unitsBefore: ReadonlySet<Unit> | undefined
  let onPage = 0
  let pageStart = 0
  let level = [traceId]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > bounds.maxDepth) {
      truncated.depth = true
      break
    }
    const all = level.toSorted().map((id) => ({ depth, traceId: id }))
    const earlier = all.filter((position) => !isAfter(position, bounds.after)).length
    const taken = all.slice(0, earlier + bounds.maxTraces - onPage)
    truncated.traces = taken.length < all.length
    positions.push(...taken)
    pageStart += earlier
    onPage += taken.length - earlier
    next = new Set()
    const loaded = await load(taken.map((position) => position.traceId))
    enter(loaded.slice(0, earlier))
    if (taken.length > earlier) unitsBefore ??= new Set(levels.keys())
    enter(loaded.slice(earlier))
    for (const [id, distance] of origins.distances) if (distance === depth + 1 && !seen.has(id)) next.add(id)
    for (const id of next) seen.add(id)
    level = [...next]
    if (truncated.traces) break
    if (onPage === bounds.maxTraces && level.length > 0 && depth < bounds.maxDepth) {
      truncated.traces = true
      break
    }
  }
  const isHidden = (id: string): boolean => seen.has(id) && !traces.has(id)
  const known = new Set(positions.slice(0, pageStart).map((position) => position.traceId))
  const grown = Array.from(levels.keys()).filter((unit) => known.has(unit.traceId) && unitsBefore?.has(unit) === false)
  const grownLanes = new Set(grown.map((unit) => unit.laneId))
  return { positions, pageStart, grownLanes, traces, levels, isHidden, truncated }

  function enter(loaded: readonly UnitTrace[]): void {
    for (const trace of loaded) traces.set(trace.traceId, trace)
    for (const trace of loaded) {
      for (const unit of trace.units) {
        if (origins.chain.has(unit)) mark(unit, CAUSED)
        else if (trace.traceId === traceId) mark(unit, SHOWN)
        const above = unit.causes.reduce((most, ref) => Math.max(most, findLevel(ref)), 0)
        if (above > JOINED) mark(unit, above)
      }
      for (const ref of awaited.get(trace.traceId) ?? []) mark(findUnit(trace, ref), JOINED)
    }
  }

  function findLevel(ref: FlowSpanRef): number {
    const trace = traces.get(ref.traceId)
    return trace === undefined ? 0 : (levels.get(findUnit(trace, ref)) ?? 0)
  }

  /** Marks a unit and all that follows from it. Not recursive, as chains may be long. */
  function mark(first: Unit, as: number): void {
    const waiting: [Unit, number][] = [[first, as]]
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
      const [unit, level] = one
      if ((levels.get(unit) ?? 0) >= level) continue
      levels.set(unit, level)
      const trace = traces.get(unit.traceId) as UnitTrace
      if (level > JOINED) {
        for (const effect of trace.effects.get(unit) ?? []) {
          const into = traces.get(effect.traceId)
          if (into !== undefined) waiting.push([findUnit(into, effect), level])
          else if (!seen.has(effect.traceId)) next.add(effect.traceId)
        }
      }
      for (let { outer } = unit; outer !== undefined; outer = outer.outer) {
        if (isShared(outer)) waiting.push([outer, level])
      }
      if (!bounds.includeJoined) continue
      for (const cause of findCauses(trace, unit)) {
        const above = traces.get(cause.traceId)
        if (above !== undefined) waiting.push([findUnit(above, cause), JOINED])
        else {
          awaited.set(cause.traceId, [...(awaited.get(cause.traceId) ?? []), cause])
          if (!seen.has(cause.traceId)) next.add(cause.traceId)
        }
      }
    }
  }
}

/** Batches and units without causes belong to each event that a unit within them belongs to. */
function isShared({ causes }: Unit): boolean {
  return causes.length !== 1
}

function isAfter(position: Position, after: Position | undefined): boolean {
  if (after === undefined) return true
  return position.depth > after.depth || (position.depth === after.depth && position.traceId > after.traceId)
}
