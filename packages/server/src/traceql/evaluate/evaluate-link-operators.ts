import type { LinkOp, Pipeline, Spanset } from '../syntax/ast.ts'
import type { LinkMatches } from '../execute/candidates.ts'
import type { Match, Scope } from '../execute/match.ts'
import { limits } from '../limits.ts'
import { isLinkOperation } from '../analyze/plan.ts'
import type { Search } from '../execute/search.ts'
import { type Direction, type LinkGraph, traverse, traverseLinks } from './traverse-links.ts'

/**
 * Works out every operator over links in a pipeline, the innermost first, as the spans it stands
 * for.
 *
 * `A ->> B`: spans of B in traces that are reached from a trace with spans of A over one link or
 * more, each walked from the producer to the consumer, who carries it. `A <<- B`: the same walked
 * from the consumer to the producer. The union forms give the spans of A too. What is asked for, B,
 * lies in the search's window; A may be of any age.
 */
export async function evaluateLinkOperators(
  search: Search,
  pipeline: Pipeline,
  scope: Scope,
  find: FindMatches,
): Promise<LinkMatches> {
  const matches = new Map<Spanset, ReadonlyMap<string, ReadonlySet<string>>>()
  for (const operation of findLinkOperations(pipeline))
    matches.set(operation, await evaluateLinkOperator(search, operation, scope, find))
  return matches
}

/** A search of its own: passed in, as a search evaluates its link operators first. */
type FindMatches = (search: Search, pipeline: Pipeline, scope: Scope, limit: number) => Promise<readonly Match[]>

type LinkOperation = Spanset & { readonly kind: 'operation' }
type SpansByTrace = Map<string, Set<string>>

async function evaluateLinkOperator(
  search: Search,
  { op, left, right }: LinkOperation,
  scope: Scope,
  find: FindMatches,
): Promise<SpansByTrace> {
  const forward: Direction = isDownstream(op) ? 'in' : 'out'
  const backward: Direction = forward === 'in' ? 'out' : 'in'
  const found: SpansByTrace = new Map()
  // From what is asked for back to where it may come from: whole, unless there is too much to start
  // with.
  const ends = await find(search, toPipeline(right), scope, limits.linkTraces)
  const back = await traverseLinks(search, ends.map(getTraceId), backward)
  const origins = await find(search, toPipeline(left), { window: undefined, within: back.reached }, limits.linkTraces)
  collectMatches(found, op, origins, ends, back)
  const tooMany = ends.length >= limits.linkTraces
  if (tooMany) {
    search.warnings.add(
      `Only ${limits.linkTraces} traces on each side of ${op} were looked at: choose a shorter time range or add conditions.`,
    )
  }
  // Then also from the origins on: that finds what too many ends hide, and, when a union is looked
  // for among some traces only, the origins among them whose ends are elsewhere.
  if (!tooMany && !(op.startsWith('&') && scope.within)) return found
  const starts = await find(search, toPipeline(left), scope, limits.linkTraces)
  const on = await traverseLinks(search, starts.map(getTraceId), forward)
  const reached = await find(search, toPipeline(right), { window: scope.window, within: on.reached }, limits.linkTraces)
  collectMatches(found, op, starts, reached, reverse(on))
  return found
}

/** Keeps the ends that an origin is behind, and for a union the origins that are behind an end. */
function collectMatches(
  found: SpansByTrace,
  op: LinkOp | string,
  origins: readonly Match[],
  ends: readonly Match[],
  graph: LinkGraph,
): void {
  const onward = traverse(new Set(origins.map(getTraceId)), reverse(graph).edges)
  const kept = ends.filter((end) => onward.has(getTraceId(end)))
  for (const end of kept) addMatch(found, end)
  if (!op.startsWith('&')) return
  const behind = traverse(new Set(kept.map(getTraceId)), graph.edges)
  for (const origin of origins) if (behind.has(getTraceId(origin))) addMatch(found, origin)
}

function addMatch(found: SpansByTrace, { rows, spansets }: Match): void {
  const spans = found.get(rows.traceId) ?? new Set()
  for (const { members } of spansets) {
    for (const [at, member] of members.entries()) if (member) spans.add(rows.keys[at] ?? '')
  }
  found.set(rows.traceId, spans)
}

function reverse(graph: LinkGraph): LinkGraph {
  return { reached: graph.reached, edges: graph.edges.map(([from, to]) => [to, from] as const) }
}

function isDownstream(op: string): boolean {
  return op.endsWith('->>')
}

function getTraceId(match: Match): string {
  return match.rows.traceId
}

function toPipeline(spanset: Spanset): Pipeline {
  if (spanset.kind === 'pipeline') return spanset
  return { kind: 'pipeline', source: spanset, stages: [], from: spanset.from, to: spanset.to }
}

/** The operators over links that aren't inside another one. */
function findLinkOperations(spanset: Spanset): readonly LinkOperation[] {
  if (spanset.kind === 'filter') return []
  if (spanset.kind === 'operation') {
    return isLinkOperation(spanset)
      ? [spanset]
      : [...findLinkOperations(spanset.left), ...findLinkOperations(spanset.right)]
  }
  const inStages = spanset.stages.flatMap((stage) =>
    stage.kind === 'spanset' ? findLinkOperations(stage.spanset) : [],
  )
  return [...findLinkOperations(spanset.source), ...inStages]
}
