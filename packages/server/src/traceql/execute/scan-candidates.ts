import { InvalidCursorError } from '../../query/sql/cursor.ts'
import { MINUTE_NANO } from '../../query/sql/time-window.ts'
import { namesService } from '../analyze/conditions.ts'
import type { Plan } from '../analyze/plan.ts'
import { limits } from '../limits.ts'
import { createParams } from '../sql/params.ts'
import { findCandidates, isExact, type LinkMatches } from './candidates.ts'
import { executeQuery } from './execute-query.ts'
import type { Scope, Search, Window } from './search.ts'
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
  let anchor = after?.anchor ?? (window.end < now ? window.end : now)
  if (within) {
    const found = await findCandidates(search, plan, links, { ...window, within, limit: limits.candidateTraces })
    yield found.map((candidate) => ({ ...candidate, anchor, since: 0n, foundSince: 0n }))
    return
  }
  const lookBack = (length: bigint): bigint =>
    // Scans the rest at once when it is less than three windows.
    anchor - 3n * length > window.start ? anchor - length : window.start
  // With one filter, a single span decides whether a trace is a candidate, so windows need not
  // overlap. With several, spans of two windows may be needed.
  const hasOneFilter = after === undefined && plan.conditions.length === 1 && links.size === 0
  const seen = new Set<string>()
  const firstLength = getFirstLength(plan)
  let foundSince = after?.foundSince ?? window.end
  let start = after === undefined ? lookBack(firstLength) : clamp(after.since, window.start, window.end)
  for (let nth = 0; ; nth++) {
    const [since, before] = [start, foundSince]
    const fetchPositions = async (max: number): Promise<readonly Position[]> => {
      const candidates = await findCandidates(search, plan, links, {
        start: since,
        end: hasOneFilter ? before : window.end,
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
    if (nth === 0 && after === undefined && seen.size === 0 && firstLength === MINUTE_NANO) {
      const newest = await findNewestSpans(search, window)
      // The minute had few or no spans: begins anew where they are.
      if (newest !== undefined && newest.start < since) {
        if (newest.end < anchor) anchor = newest.end
        start = lookBack(anchor - newest.start)
        continue
      }
    }
    start = lookBack(widen(anchor - since, seen.size, limit))
  }
}

/**
 * Of a service, ten minutes have few enough spans to be searched at once. With several filters,
 * more of a trace's spans must lie in the window.
 */
function getFirstLength({ conditions }: Plan): bigint {
  return conditions.length > 1 || conditions.every((condition) => condition !== undefined && namesService(condition))
    ? 10n * MINUTE_NANO
    : MINUTE_NANO
}

/** Returns how far back to search when a length had this many of the traces that are wanted. */
function widen(length: bigint, found: number, wanted: number): bigint {
  const known = length > MINUTE_NANO ? length : MINUTE_NANO
  // A value that no span of a minute has is rare, so that indexes skip most of an hour.
  if (found === 0) return known < 10n * MINUTE_NANO ? 80n * MINUTE_NANO : known * 8n
  return known * BigInt(Math.min(64, Math.max(2, Math.ceil((1.5 * wanted) / found))))
}

/**
 * Finds the newest minutes of a window, at most ten, that together have enough spans to tell how
 * frequent a value is.
 */
async function findNewestSpans(search: Search, { start, end }: Window): Promise<Window | undefined> {
  const params = createParams()
  const inWindow = `minute between ${params.add('UInt32', String(start / MINUTE_NANO))} and ${params.add('UInt32', String(end / MINUTE_NANO))}`
  const minutes = await executeQuery<{ minute: number; spans: string }>(
    search,
    `select minute, sum(spans) as spans from traffic_minutes
    where ${inWindow} and minute + 10 > (select max(minute) from traffic_minutes where ${inWindow})
    group by minute order by minute desc`,
    params,
  )
  const [newest] = minutes
  if (newest === undefined) return undefined
  let spans = 0
  const oldest = minutes.find((each) => (spans += Number(each.spans)) >= ENOUGH_SPANS) ?? minutes.at(-1) ?? newest
  return { start: BigInt(oldest.minute) * MINUTE_NANO, end: BigInt(newest.minute + 1) * MINUTE_NANO }
}

/** As many are searched in 20 ms. */
const ENOUGH_SPANS = 20_000

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
