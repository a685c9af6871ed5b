import { InvalidCursorError } from '../../query/sql/cursor.ts'
import { MINUTE_NANO } from '../../query/sql/time-window.ts'
import { namesService } from '../analyze/conditions.ts'
import type { Plan } from '../analyze/plan.ts'
import { limits } from '../limits.ts'
import { findCandidates, isExact, type LinkMatches } from './candidates.ts'
import type { Scope, Search } from './search.ts'
import type { Position } from './search-cursor.ts'

/**
 * Scans the newest minutes first, then further back, as far as the number of traces found so far
 * suggests. A search that finds enough early stays cheap.
 */
export async function* scanCandidates(
  search: Search,
  plan: Plan,
  links: LinkMatches,
  { window, within }: Scope,
  limit: number,
  after: Position | undefined,
): AsyncGenerator<readonly Position[]> {
  if (!window) {
    yield listAfter(within ?? [], after)
    return
  }
  // An end in the future counts as now.
  const now = BigInt(Date.now()) * 1_000_000n
  const anchor = after?.anchor ?? (window.end < now ? window.end : now)
  if (within) {
    const found = await findCandidates(search, plan, links, { ...window, within, limit: limits.candidateTraces })
    yield found.map((candidate) => ({ ...candidate, anchor, since: 0n, foundSince: 0n }))
    return
  }
  const lookBack = (length: bigint): bigint =>
    // Scans the rest at once when it is less than three windows.
    anchor - 3n * length > window.start ? anchor - length : window.start
  // A trace that spans of one window match alone is found in it, so windows need not overlap.
  const isAlone = after === undefined && plan.conditions.length === 1 && links.size === 0
  const seen = new Set<string>()
  let foundSince = after?.foundSince ?? window.end
  let start = after === undefined ? lookBack(getFirstLength(plan)) : clamp(after.since, window.start, window.end)
  for (let nth = 0; ; nth++) {
    const [since, before] = [start, foundSince]
    const fetchPositions = async (max: number): Promise<readonly Position[]> => {
      const candidates = await findCandidates(search, plan, links, {
        start: since,
        end: isAlone ? before : window.end,
        limit: max,
        within: undefined,
        // Excludes what earlier pages found; `seen` of the caller does that within one page.
        ...(after && {
          after: nth === 0 ? after : undefined,
          foundSince: before < window.end ? before : undefined,
        }),
      })
      return candidates.map((candidate) => ({ ...candidate, anchor, since, foundSince: before }))
    }
    const cap = limits.candidateTraces
    const wanted = isExact(plan) ? limit : Math.max(limit, limits.chunkTraces)
    // Traces with newer spans, too, are found again.
    const max = Math.min(cap, wanted + seen.size)
    let found = await fetchPositions(max)
    yield found
    if (found.length === max && max < cap) {
      // More candidates lie in this window: a wider one would return the same ones first.
      found = await fetchPositions(cap)
      yield found
    }
    if (since === window.start) return
    for (const { traceId } of found) seen.add(traceId)
    foundSince = since
    start = lookBack(widen(anchor - since, seen.size, limit))
  }
}

/** Of a service, ten minutes have few enough spans to be searched at once. */
function getFirstLength({ conditions }: Plan): bigint {
  return conditions.every((condition) => condition !== undefined && namesService(condition))
    ? 10n * MINUTE_NANO
    : MINUTE_NANO
}

/** Returns how far back to search when a length had this many of the traces that are wanted. */
function widen(length: bigint, found: number, wanted: number): bigint {
  const known = length > MINUTE_NANO ? length : MINUTE_NANO
  if (found === 0) return known < 10n * MINUTE_NANO ? 10n * MINUTE_NANO : known * 8n
  return known * BigInt(Math.min(8, Math.max(2, Math.ceil((1.5 * wanted) / found))))
}

function clamp(value: bigint, min: bigint, max: bigint): bigint {
  if (value < min) return min
  return value > max ? max : value
}

/** Lists traces that a link operator found, in its order. */
function listAfter(ids: readonly string[], after: Position | undefined): readonly Position[] {
  const first = after === undefined ? 0 : ids.indexOf(after.traceId) + 1
  if (after !== undefined && first === 0) throw new InvalidCursorError()
  return ids.slice(first).map((traceId) => ({ anchor: 0n, since: 0n, foundSince: 0n, newest: 0n, traceId }))
}
