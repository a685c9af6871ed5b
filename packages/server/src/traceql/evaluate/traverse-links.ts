import { executeQuery } from '../execute/execute-query.ts'
import { selectTraceIds } from '../sql/from.ts'
import { createParams } from '../sql/params.ts'
import { limits } from '../limits.ts'
import type { Search } from '../execute/search.ts'

/**
 * `out`: from the trace that carries a link to its target, so from consumer to producer. `in`: the
 * other way.
 */
export type Direction = 'out' | 'in'

export type LinkGraph = {
  /** Traces reached over at least one link. */
  readonly reached: readonly string[]
  /** Links followed, as pairs of traces. */
  readonly edges: readonly (readonly [from: string, to: string])[]
}

/** Follows links from some traces, breadth first, to traces of any age. */
export async function traverseLinks(search: Search, from: readonly string[], direction: Direction): Promise<LinkGraph> {
  const known = new Set(from)
  const reached = new Set<string>()
  const edges: (readonly [string, string])[] = []
  let frontier = [...known]
  for (let hop = 0; hop < limits.linkHops && frontier.length > 0; hop++) {
    const steps = await fetchLinkedTraces(search, frontier, direction, limits.linkEdges - edges.length)
    const next = new Set<string>()
    for (const { a, b } of steps) {
      if (!known.has(b) && known.size - from.length >= limits.linkTraces) {
        search.warnings.add(`Link traversal stopped at ${limits.linkTraces} traces: add conditions on either side.`)
        continue
      }
      edges.push([a, b])
      reached.add(b)
      if (!known.has(b)) next.add(b)
      known.add(b)
    }
    frontier = [...next]
  }
  if (frontier.length > 0) search.warnings.add(`Link traversal stopped after ${limits.linkHops} hops.`)
  return { reached: [...reached], edges }
}

async function fetchLinkedTraces(
  search: Search,
  frontier: readonly string[],
  direction: Direction,
  max: number,
): Promise<{ a: string; b: string }[]> {
  const params = createParams()
  const steps = await executeQuery<{ a: string; b: string }>(
    search,
    `select distinct lower(hex(trace_id)) as a, lower(hex(peer_trace_id)) as b from span_links
    where trace_id in ${selectTraceIds(frontier, params)} and direction = ${params.add('String', direction)}
    order by a, b limit ${params.add('UInt32', max + 1)}`,
    params,
  )
  if (steps.length > max) search.warnings.add(`Link traversal stopped at ${limits.linkEdges} links.`)
  return steps.slice(0, max)
}

/** Traces that edges reach from some traces in 1 to `limits.linkHops` hops. */
export function traverse(from: ReadonlySet<string>, edges: LinkGraph['edges']): ReadonlySet<string> {
  const next = Map.groupBy(edges, ([from]) => from)
  const reached = new Set<string>()
  let frontier: readonly string[] = [...from]
  for (let hop = 0; hop < limits.linkHops && frontier.length > 0; hop++) {
    const fresh = new Set(
      frontier.flatMap((id) => next.get(id)?.map(([, to]) => to) ?? []).filter((id) => !reached.has(id)),
    )
    for (const id of fresh) reached.add(id)
    frontier = [...fresh]
  }
  return reached
}
