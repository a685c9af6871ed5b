import type { Pipeline } from '../syntax/ast.ts'
import { isExact, type LinkMatches } from './candidates.ts'
import { evaluateTrace, type SpansetResult } from '../evaluate/pipeline.ts'
import { limits } from '../limits.ts'
import { evaluateLinkOperators, type MatchedSpans } from '../evaluate/evaluate-link-operators.ts'
import type { Position } from './search-cursor.ts'
import { type Plan, planPipeline } from '../analyze/plan.ts'
import { scanCandidates } from './scan-candidates.ts'
import type { Scope, Search } from './search.ts'
import { createTraceReader, type TraceRows } from './trace-rows.ts'

/** A trace that a pipeline matches. */
export type Match = {
  readonly rows: TraceRows
  readonly spansets: readonly SpansetResult[]
  /** The next page begins behind it. */
  readonly position: Position
}

export type FoundMatches<Picked> = {
  readonly matches: readonly Picked[]
  /** The last candidate read, when more candidates follow. */
  readonly rest: Position | undefined
}

/**
 * Finds traces that a pipeline matches, newest first, after a position if given, with their
 * spansets: up to `limit`, among at most `limits.candidateTraces` candidates.
 *
 * @param pick returns what is kept of a match: whole traces may be large
 * @param onChunk called with all matches so far and the last candidate, after each chunk of traces
 */
export async function findMatches<Picked>(
  search: Search,
  plan: Plan,
  scope: Scope,
  limit: number,
  pick: (match: Match) => Picked,
  after?: Position,
  onChunk?: (matches: readonly Picked[], last: Position) => Promise<void>,
): Promise<FoundMatches<Picked>> {
  const links = await evaluateLinkOperators(search, plan.pipeline, scope, findPipelineMatches)
  // With candidates that do not match, the backlinks of all would cost more than a statement.
  const readTraces = createTraceReader(search, plan, { withBacklinks: isExact(plan) })
  const matches: Picked[] = []
  const seen = new Set<string>()
  let last: Position | undefined
  let size: number = limits.chunkTraces
  for await (const candidates of scanCandidates(search, plan, links, narrowScope(plan, links, scope), limit, after)) {
    const fresh = candidates.filter(({ traceId }) => !seen.has(traceId))
    for (let at = 0; at < fresh.length && matches.length < limit;) {
      const chunk = fresh.slice(at, at + size)
      const traces = await readTraces(chunk.map(({ traceId }) => traceId))
      if (!traces) {
        size = Math.ceil(chunk.length / 2)
        continue
      }
      at += chunk.length
      size = Math.min(4 * size, limits.largestChunk)
      for (const position of chunk) {
        seen.add(position.traceId)
        if (matches.length >= limit) continue
        last = position
        const rows = traces.get(position.traceId)
        const spansets = rows ? evaluateTrace(plan, rows, links) : []
        if (rows && spansets.length > 0) matches.push(pick({ rows, spansets, position }))
      }
      if (last) await onChunk?.(matches, last)
    }
    if (matches.length >= limit || seen.size >= limits.candidateTraces) return { matches, rest: last }
  }
  return { matches, rest: undefined }
}

async function findPipelineMatches(
  search: Search,
  pipeline: Pipeline,
  scope: Scope,
  limit: number,
): Promise<readonly MatchedSpans[]> {
  const { matches, rest } = await findMatches(search, planPipeline(pipeline), scope, limit, pickSpans)
  if (rest && matches.length < limit) search.warnings.add(candidateLimitWarning)
  return matches
}

function pickSpans({ rows, spansets }: Match): MatchedSpans {
  const keys = spansets.flatMap(({ members }) => rows.keys.filter((_, at) => members[at] === 1))
  return { traceId: rows.traceId, spanKeys: new Set(keys) }
}

/** Warning of a partial result that has no next page. */
export const candidateLimitWarning = `Searched only the newest ${limits.candidateTraces} traces that may match: choose a shorter time range or add conditions.`

/**
 * When a link operator comes first, only the traces that it found are candidates, at any age.
 */
function narrowScope({ pipeline }: Plan, links: LinkMatches, scope: Scope): Scope {
  const found = links.get(pipeline.source)
  if (!found) return scope
  const among = scope.within && new Set(scope.within)
  return { window: undefined, within: [...found.keys()].filter((id) => among?.has(id) ?? true) }
}
