import { backlinkHead, spanHead } from '../../query/trace-rows/head-sql.ts'
import { executeQuery } from '../execute/execute-query.ts'
import { fetchSpans } from '../execute/fetch-spans.ts'
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

type Step = { readonly a: string; readonly b: string }

async function fetchLinkedTraces(
  search: Search,
  frontier: readonly string[],
  direction: Direction,
  max: number,
): Promise<readonly Step[]> {
  const steps = await (direction === 'in'
    ? fetchLinkingTraces(search, frontier, max)
    : fetchLinkTargets(search, frontier).then((pairs) => [...pairs].sort().map(toStep)))
  if (steps.length > max) search.warnings.add(`Link traversal stopped at ${limits.linkEdges} links.`)
  return steps.slice(0, max)
}

function fetchLinkingTraces(search: Search, traceIds: readonly string[], max: number): Promise<Step[]> {
  const params = createParams()
  return executeQuery(
    search,
    `select distinct lower(hex(trace_id)) as a, lower(hex(substring(${backlinkHead.linkingSpan}, 1, 16))) as b
    from trace_rows where trace_id in ${selectTraceIds(traceIds, params)} and type = 'backlink'
    order by a, b limit ${params.add('UInt32', max + 1)}`,
    params,
  )
}

/** Links are in the bodies of the spans that carry them, so they are read here. */
async function fetchLinkTargets(search: Search, traceIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await fetchSpans(search, traceIds, LINKS, { where: `and ${spanHead.linkCount} > 0` })
  if (rows !== undefined) {
    const stored = rows.spans.flatMap(({ traceId, links }) => links.map((link) => `${traceId} ${link.traceId}`))
    return new Set(stored.filter((pair) => !pair.endsWith(NO_TRACE)))
  }
  const half = Math.ceil(traceIds.length / 2)
  const first = await fetchLinkTargets(search, traceIds.slice(0, half))
  return new Set([...first, ...(await fetchLinkTargets(search, traceIds.slice(half)))])
}

function toStep(pair: string): Step {
  const [a = '', b = ''] = pair.split(' ')
  return { a, b }
}

const LINKS = { keys: new Set<string>(), statusMessage: false, events: false, links: true, source: false }
const NO_TRACE = '0'.repeat(32)

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
