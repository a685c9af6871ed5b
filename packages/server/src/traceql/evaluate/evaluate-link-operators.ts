import type { LinkOp, Pipeline, Spanset } from '../syntax/ast.ts'
import type { LinkMatches } from '../execute/candidates.ts'
import { limits } from '../limits.ts'
import { isLinkOperation, type LinkOperation, listParts } from '../analyze/list-parts.ts'
import type { Scope, Search } from '../execute/search.ts'
import { type Direction, type LinkGraph, traverse, traverseLinks } from './traverse-links.ts'

/**
 * Evaluates every link operator of a pipeline to the spans it matches, the innermost first.
 *
 * `A ->> B` matches spans of B in traces that links reach from a trace with spans of A, producer to
 * consumer. `A <<- B` goes from consumer to producer. Union forms also match the spans of A. B lies
 * in the search's window; A may have any age.
 */
export async function evaluateLinkOperators(
  search: Search,
  pipeline: Pipeline,
  scope: Scope,
  find: FindMatches,
): Promise<LinkMatches> {
  const matches = new Map<Spanset, ReadonlyMap<string, ReadonlySet<string>>>()
  const operations = listParts(pipeline, { intoLinks: false }).filter(isLinkOperation)
  for (const operation of operations) matches.set(operation, await evaluateLinkOperator(search, operation, scope, find))
  return matches
}

/** Spans of a trace that a side matches, as keys of execute/trace-rows.ts. */
export type MatchedSpans = { readonly traceId: string; readonly spanKeys: ReadonlySet<string> }

/** Runs a nested search. Passed in, because a search evaluates its link operators first. */
type FindMatches = (search: Search, pipeline: Pipeline, scope: Scope, limit: number) => Promise<readonly MatchedSpans[]>

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
  // From B back to A: complete unless B has too many traces.
  const ends = await find(search, toPipeline(right), scope, limits.linkTraces)
  const back = await traverseLinks(search, ends.map(getTraceId), backward)
  const origins = await find(search, toPipeline(left), { window: undefined, within: back.reached }, limits.linkTraces)
  collectMatches(found, op, origins, ends, back)
  const tooMany = ends.length >= limits.linkTraces
  if (tooMany) {
    search.warnings.add(
      `Searched only ${limits.linkTraces} traces on each side of ${op}: choose a shorter time range or add conditions.`,
    )
  }
  // Also from A on to B: finds what the limit on B hid and, for a union within some traces, the
  // origins among them whose ends are elsewhere.
  if (!tooMany && !(op.startsWith('&') && scope.within)) return found
  const starts = await find(search, toPipeline(left), scope, limits.linkTraces)
  const on = await traverseLinks(search, starts.map(getTraceId), forward)
  const reached = await find(search, toPipeline(right), { window: scope.window, within: on.reached }, limits.linkTraces)
  collectMatches(found, op, starts, reached, reverse(on))
  return found
}

/** Keeps the ends that an origin reaches, and for a union the origins that reach an end. */
function collectMatches(
  found: SpansByTrace,
  op: LinkOp | string,
  origins: readonly MatchedSpans[],
  ends: readonly MatchedSpans[],
  graph: LinkGraph,
): void {
  const onward = traverse(new Set(origins.map(getTraceId)), reverse(graph).edges)
  const kept = ends.filter((end) => onward.has(getTraceId(end)))
  for (const end of kept) addMatch(found, end)
  if (!op.startsWith('&')) return
  const behind = traverse(new Set(kept.map(getTraceId)), graph.edges)
  for (const origin of origins) if (behind.has(getTraceId(origin))) addMatch(found, origin)
}

function addMatch(found: SpansByTrace, { traceId, spanKeys }: MatchedSpans): void {
  found.set(traceId, new Set([...(found.get(traceId) ?? []), ...spanKeys]))
}

function reverse(graph: LinkGraph): LinkGraph {
  return { reached: graph.reached, edges: graph.edges.map(([from, to]) => [to, from] as const) }
}

function isDownstream(op: string): boolean {
  return op.endsWith('->>')
}

function getTraceId({ traceId }: MatchedSpans): string {
  return traceId
}

function toPipeline(spanset: Spanset): Pipeline {
  if (spanset.kind === 'pipeline') return spanset
  return { kind: 'pipeline', source: spanset, stages: [], from: spanset.from, to: spanset.to }
}
