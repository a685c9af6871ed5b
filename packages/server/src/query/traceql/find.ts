import type { Pipeline } from './ast.ts'
import { type CandidateBounds, findCandidates, isExact, type LinkMatches } from './candidates.ts'
import { evaluateTrace, type SpansetResult } from './evaluate/pipeline.ts'
import { limits } from './limits.ts'
import { matchLinks } from './match-links.ts'
import { type Plan, planPipeline } from './plan.ts'
import type { Search, Window } from './search.ts'
import { readTraces, type TraceRows } from './trace-rows.ts'

export type Match = { readonly rows: TraceRows; readonly spansets: readonly SpansetResult[] }

/** Where to look: in a window of time, among some traces, or both. */
export type Scope = { readonly window: Window | undefined; readonly within: readonly string[] | undefined }

/** Finds traces that a pipeline matches, newest first, and what it makes of each. */
export async function findMatches(search: Search, plan: Plan, scope: Scope, limit: number): Promise<Match[]> {
  const links = await matchLinks(search, plan.pipeline, scope)
  const matches: Match[] = []
  const seen = new Set<string>()
  let size: number = limits.chunkTraces
  for await (const candidates of candidatesOf(search, plan, links, narrowed(plan, links, scope), limit)) {
    const fresh = candidates.filter((id) => !seen.has(id))
    for (let at = 0; at < fresh.length && matches.length < limit;) {
      const chunk = fresh.slice(at, at + size)
      const traces = await readTraces(search, plan, chunk)
      if (!traces) {
        size = Math.ceil(size / 2)
        continue
      }
      at += chunk.length
      size = Math.min(2 * size, limits.largestChunk)
      for (const id of chunk) {
        seen.add(id)
        const rows = traces.get(id)
        const spansets = rows ? evaluateTrace(plan, rows, links) : []
        if (rows && spansets.length > 0 && matches.length < limit) matches.push({ rows, spansets })
      }
    }
    if (matches.length >= limit) break
  }
  return matches
}

export function planAndFind(search: Search, pipeline: Pipeline, scope: Scope, limit: number): Promise<Match[]> {
  return findMatches(search, planPipeline(pipeline), scope, limit)
}

/** When an operator over links comes first, the traces it found are all there is to look among, whatever their age. */
function narrowed({ pipeline }: Plan, links: LinkMatches, scope: Scope): Scope {
  const found = links.get(pipeline.source)
  if (!found) return scope
  const among = scope.within && new Set(scope.within)
  return { window: undefined, within: [...found.keys()].filter((id) => among?.has(id) ?? true) }
}

const minute = 60_000_000_000n
const widening = 8n

/**
 * Looks at the newest ten minutes first and then ever further back: a search that finds enough early stays cheap, and
 * one that doesn't reads an eighth more in all than looking at the whole window at once.
 */
async function* candidatesOf(
  search: Search,
  plan: Plan,
  links: LinkMatches,
  { window, within }: Scope,
  limit: number,
): AsyncGenerator<readonly string[]> {
  if (!window) {
    yield within ?? []
    return
  }
  if (within) {
    yield await findCandidates(search, plan, links, { ...window, within, limit: limits.candidateTraces })
    return
  }
  const cap = limits.candidateTraces
  let most = Math.min(cap, isExact(plan) ? limit : Math.max(limit, limits.chunkTraces))
  // An open end, or one in the future, is looked at from now.
  const now = BigInt(Date.now()) * 1_000_000n
  const anchor = window.end < now ? window.end : now
  for (let reach = 10n * minute; ; reach *= widening) {
    const start = anchor - reach > window.start ? anchor - reach : window.start
    const whole = start === window.start
    const bounds: CandidateBounds = { start, end: window.end, limit: most, within: undefined }
    let found = await findCandidates(search, plan, links, bounds)
    yield found
    if (found.length === most && most < cap) {
      // There are more of them as near: looking further back would find the same ones first.
      most = cap
      found = await findCandidates(search, plan, links, { ...bounds, limit: cap })
      yield found
    }
    if (found.length >= cap) {
      search.cuts.add(
        `Only the newest ${cap} traces that could match were looked at: choose a shorter time range or add conditions.`,
      )
      return
    }
    if (whole) return
  }
}
