import type { FlowSpanRef } from '../flow-span.ts'
import type { TraceLoader } from './trace-loader.ts'
import type { LaneSection } from '../lanes.ts'
import { findCauses, findSection, type DividedTrace } from './lane-sections.ts'

/** Limits of the search: links up from the opened trace, and traces. */
const MAX_STEPS = 64
const MAX_TRACES = 1_000

export type Origins = {
  /**
   * Traces above the opened one without a known cause. The flow is that of the first. Never empty.
   */
  readonly traces: readonly DividedTrace[]
  /** Number of all origins, including those beyond the limits. */
  readonly count: number
  /** Sections on the paths from the first origin to the opened trace. */
  readonly chain: ReadonlySet<LaneSection>
  /** Number of links up from the opened trace, by trace in `chain`. */
  readonly distances: ReadonlyMap<string, number>
}

/**
 * Follows the links of a trace up to its origins. The first is the opened trace itself if part of
 * it has no cause, else the origin that started first. If traces cause each other in a cycle, the
 * origin is the one that started first. Traces that are not stored come last.
 */
export async function findOrigins(traceId: string, { load }: TraceLoader): Promise<Origins> {
  const traces = new Map<string, DividedTrace>()
  const distances = new Map<string, number>()
  const causes = new Map<LaneSection, LaneSection[]>()
  const roots = new Set<DividedTrace>()
  const unloaded = new Set<string>()
  const add = async (ids: readonly string[], distance: number): Promise<void> => {
    for (const trace of await load(ids)) {
      traces.set(trace.traceId, trace)
      distances.set(trace.traceId, distance)
    }
  }
  await add([traceId], 0)
  const opened = traces.get(traceId) as DividedTrace
  const waiting: LaneSection[] = [...opened.sections]
  for (let step = 1; waiting.length > 0; step++) {
    const further: { readonly section: LaneSection; readonly cause: FlowSpanRef }[] = []
    for (let section = waiting.pop(); section !== undefined; section = waiting.pop()) {
      if (causes.has(section)) continue
      const found: LaneSection[] = []
      causes.set(section, found)
      const trace = traces.get(section.traceId) as DividedTrace
      const refs = findCauses(trace, section)
      if (refs.length === 0) roots.add(trace)
      for (const cause of refs) {
        const known = traces.get(cause.traceId)
        if (known === undefined) further.push({ section, cause })
        else {
          found.push(findSection(known, cause))
          waiting.push(findSection(known, cause))
        }
      }
    }
    const ids = [...new Set(further.map(({ cause }) => cause.traceId))].sort()
    const included = step > MAX_STEPS ? [] : ids.slice(0, Math.max(MAX_TRACES - traces.size, 0))
    for (const id of ids.slice(included.length)) unloaded.add(id)
    await add(included, step)
    for (const { section, cause } of further) {
      const known = traces.get(cause.traceId)
      if (known === undefined) continue
      causes.get(section)?.push(findSection(known, cause))
      waiting.push(findSection(known, cause))
    }
  }
  const found = sortByStart(roots.size > 0 ? roots : sortByStart(traces.values()).slice(0, 1))
  const sorted = roots.has(opened) ? [opened, ...found.filter((trace) => trace !== opened)] : found
  const [first = opened] = sorted
  const chain = findChain(first, causes, roots.has(first))
  const chained = new Set(Array.from(chain, (section) => section.traceId))
  return {
    traces: sorted,
    count: sorted.length + unloaded.size,
    chain,
    distances: new Map([...distances].filter(([id]) => chained.has(id))),
  }
}

/** Finds the sections that the origin leads to, including its own. */
function findChain(
  origin: DividedTrace,
  causes: ReadonlyMap<LaneSection, readonly LaneSection[]>,
  isRoot: boolean,
): ReadonlySet<LaneSection> {
  const effects = new Map<LaneSection, LaneSection[]>()
  for (const [section, sectionCauses] of causes) {
    for (const cause of sectionCauses) {
      const known = effects.get(cause)
      if (known === undefined) effects.set(cause, [section])
      else known.push(section)
    }
  }
  const start = origin.sections.filter(
    (section) => causes.has(section) && (!isRoot || causes.get(section)?.length === 0),
  )
  const chain = new Set(start)
  // The set grows during the iteration.
  for (const section of chain) for (const effect of effects.get(section) ?? []) chain.add(effect)
  return chain
}

function sortByStart(traces: Iterable<DividedTrace>): DividedTrace[] {
  return Array.from(traces, (trace) => ({ trace, start: findFirstStart(trace) ?? NEVER }))
    .sort((a, b) => (a.start === b.start ? (a.trace.traceId < b.trace.traceId ? -1 : 1) : a.start < b.start ? -1 : 1))
    .map(({ trace }) => trace)
}

const NEVER = 2n ** 64n

/** `undefined` if no span of it is stored. */
function findFirstStart({ split }: DividedTrace): bigint | undefined {
  let first: bigint | undefined
  for (const { spans } of split.lanes) {
    for (const { span } of spans) if (first === undefined || span.start < first) first = span.start
  }
  return first
}
